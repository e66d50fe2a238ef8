#include "gemtune/data/utf16.h"

#include <gtest/gtest.h>

#include "tests/support/utf16.h"

namespace gemtune::data {
namespace {

TEST(Utf16Decoder, IsTheSameWhereverItIsCut) {
  for (const bool big_endian : {false, true}) {
    const std::string bytes = test::Utf16(u"a\u00e4\u20ac\U0001f600z", big_endian);
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
      Utf16Decoder decoder(big_endian);
      std::string text;
      EXPECT_TRUE(decoder.Decode(std::string_view(bytes).substr(0, cut), text));
      EXPECT_TRUE(decoder.Decode(std::string_view(bytes).substr(cut), text));
      EXPECT_EQ(text, "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z") << cut;
      EXPECT_FALSE(decoder.pending());
    }
  }
}

TEST(Utf16Decoder, ASurrogateAloneIsDamage) {
  for (const std::string& bytes : {std::string("\x00\xdc", 2), std::string("\x3d\xd8\x61\x00", 4)}) {
    Utf16Decoder decoder(/*big_endian=*/false);
    std::string text;
    EXPECT_FALSE(decoder.Decode(bytes, text));
  }
  Utf16Decoder cut(/*big_endian=*/false);
  std::string text;
  EXPECT_TRUE(cut.Decode("a", text));
  EXPECT_TRUE(cut.pending());
}

}  // namespace
}  // namespace gemtune::data
