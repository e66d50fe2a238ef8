#include "gemtune/base/hash.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"

namespace gemtune {
namespace {

std::string Of(const std::vector<std::string>& texts) {
  Hash hash;
  for (const std::string& text : texts) hash.Add(text);
  return hash.Hex();
}

// `printf '' | xxhsum -H2`, XXH3 of 128 bits.
TEST(Hash, IsXxh3) {
  EXPECT_EQ(Hash().Hex(), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash, TellsApartWhatDiffersInOrderOrInItsCut) {
  EXPECT_EQ(Of({"ab", "c"}), Of({"ab", "c"}));
  EXPECT_NE(Of({"ab", "c"}), Of({"a", "bc"}));
  EXPECT_NE(Of({"a", "b"}), Of({"b", "a"}));
  EXPECT_NE(Of({""}), Of({}));
}

TEST(Hash, BytesAreWithoutTheirLength) {
  Hash text, parts;
  text.Add(std::string_view("ab"));
  parts.Add(uint64_t{2});
  parts.AddBytes(std::as_bytes(std::span("a", 1)));
  parts.AddBytes(std::as_bytes(std::span("b", 1)));
  EXPECT_EQ(text.Hex(), parts.Hex());
}

TEST(Hash, OfAFileIsOfItsContents) {
  const auto path = std::filesystem::path(testing::TempDir()) / "hashed";
  const auto of_file = [&](const std::string& contents) {
    WriteFileAtomically(path, contents);
    Hash hash;
    hash.AddFile(path);
    return hash.Hex();
  };
  const std::string first = of_file("abc");
  EXPECT_NE(of_file("abd"), first);
  EXPECT_EQ(of_file("abc"), first);
  std::filesystem::remove(path);
  EXPECT_THROW(Hash().AddFile(path), Error);
}

}  // namespace
}  // namespace gemtune
