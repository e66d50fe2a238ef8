#include "gemtune/io/hub/digest.h"

#include <gtest/gtest.h>

#include <utility>

namespace gemtune::io::hub {
namespace {

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string Sha256Of(std::string_view text) {
  Digest digest = Digest::Sha256();
  digest.Add(Bytes(text));
  return digest.Hex();
}

// NIST, FIPS 180-4, examples of SHA-256.
TEST(Digest, Sha256OfNistsExamples) {
  EXPECT_EQ(Sha256Of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Of(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, ThePiecesDoNotMatter) {
  const std::string text(1'000'000, 'a');
  for (const size_t piece : {1, 63, 64, 65, 100'000}) {
    Digest digest = Digest::Sha256();
    for (size_t at = 0; at < text.size(); at += piece)
      digest.Add(Bytes(text).subspan(at, std::min(piece, text.size() - at)));
    EXPECT_EQ(std::move(digest).Hex(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

// Every length around the edges of a block, against hashlib: sha256 of all their hashes.
TEST(Digest, EveryLengthAroundTheEdgesOfABlock) {
  std::string large, small;
  for (size_t length = 0; length <= 130; ++length) {
    const std::string text(length, 'x');
    large += Sha256Of(text);
    Digest digest = Digest::GitBlob(length);
    digest.Add(Bytes(text));
    small += digest.Hex();
  }
  EXPECT_EQ(Sha256Of(large), "87aca1c44bc7ba8897768170211f0a02063de70801131ff86c7edb9ce32c6a50");
  EXPECT_EQ(Sha256Of(small), "840fb969d41f52f1576552c4d6458367f5956261ec75294648d5bade63c979f4");
}

// printf '...' | git hash-object --stdin
TEST(Digest, GitBlob) {
  EXPECT_EQ(Digest::GitBlob(0).Hex(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  Digest digest = Digest::GitBlob(14);
  digest.Add(Bytes("Hello, "));
  digest.Add(Bytes("World!\n"));
  EXPECT_EQ(digest.Hex(), "8ab686eafeb1f44702738c8b0f24f2567c36da6d");
}

TEST(Digest, IsHex) {
  EXPECT_TRUE(IsHex("00ff", 4));
  for (const char* text : {"00f", "00ff0", "00FF", "00fg", ""}) EXPECT_FALSE(IsHex(text, 4)) << text;
}

}  // namespace
}  // namespace gemtune::io::hub
