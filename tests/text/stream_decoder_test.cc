#include "gemtune/text/stream_decoder.h"

#include <gtest/gtest.h>

#include "gemtune/text/utf8.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::text {
namespace {

using Tiny = test::TinyTokenizer;

class StreamDecoderTest : public test::TempDir {
 protected:
  const Tokenizer tokenizer_ = Tiny().Make(dir_);
};

TEST_F(StreamDecoderTest, GivesDecodesTextInPiecesOfWholeCharacters) {
  std::vector<int32_t> ids = tokenizer_.Encode("the \xc3\xa4 \xf0\x9f\x98\x80\xf0\x9f\x98\x81 end, 5\n");
  ids.insert(ids.begin() + 3, Tiny::Byte(0xff));  // in the middle of nothing: no character
  ids.push_back(1);                               // <eos>
  ids.push_back(Tiny::Byte(0xc3));                // half a character
  StreamDecoder decoder(tokenizer_);
  std::string text;
  for (const int32_t id : ids) {
    const std::string piece = decoder.Add(id);
    EXPECT_EQ(ValidUtf8Prefix(piece), piece.size());
    text += piece;
  }
  text += decoder.Finish();
  EXPECT_EQ(text, tokenizer_.Decode(ids, /*skip_special_tokens=*/true));
  EXPECT_EQ(decoder.Finish(), "");
}

TEST_F(StreamDecoderTest, KnowsALetterAtOnceAndABytesMeaningLater) {
  StreamDecoder decoder(tokenizer_);
  EXPECT_EQ(decoder.Add(Tiny::Letter('a')), "a");
  EXPECT_EQ(decoder.Add(Tiny::Byte(0xc3)), "");
  EXPECT_EQ(decoder.Add(Tiny::Byte(0xa4)), "");
  EXPECT_EQ(decoder.Add(Tiny::Letter('b')),
            "\xc3\xa4"
            "b");
  EXPECT_TRUE(tokenizer_.IsByte(Tiny::Byte(0)));
  EXPECT_FALSE(tokenizer_.IsByte(Tiny::kSpace));
  EXPECT_NE(test::MessageOf([&] { tokenizer_.IsByte(288); }), "");
  EXPECT_EQ(tokenizer_.FindToken("<bos>"), Tiny::kBos);
  EXPECT_EQ(tokenizer_.FindToken("<end_of_turn>"), -1);
}

}  // namespace
}  // namespace gemtune::text
