#include "gemtune/text/sentencepiece_proto.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sentencepiece_processor.h>

#include "tests/support/message_of.h"
#include "tests/text/tiny.h"

namespace gemtune::text {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::HasSubstr;

// The tiny model's file is 5,700 bytes of pieces, then these two messages (see generate_tiny.py).
std::string Model() {
  return ReadFile(kTinyModel);
}

TEST(DecodeModelProto, ReadsWhatPythonWrote) {
  const ScoredPieces scored = DecodeModelProto(Model(), "m");
  const ScoredPieces golden = TinyPieces();
  EXPECT_EQ(scored.pieces, golden.pieces);
  EXPECT_EQ(scored.scores, golden.scores);
  EXPECT_EQ(scored.types, golden.types);
  EXPECT_EQ(scored.pad_id, 0);
  EXPECT_EQ(scored.eos_id, 1);
  EXPECT_EQ(scored.bos_id, 2);
  EXPECT_EQ(scored.unk_id, 3);
}

TEST(DecodeModelProto, RefusesEveryCutFile) {
  const std::string model = Model();
  for (size_t size = 0; size < model.size(); ++size) {
    // A cut between two fields of the last message leaves protobuf's defaults, which change the text.
    EXPECT_THAT(MessageOf([&] { DecodeModelProto(model.substr(0, size), "m"); }), HasSubstr("m: not a "))
        << size;
  }
}

TEST(DecodeModelProto, SurvivesEveryWrongByte) {
  const std::string model = Model();
  size_t refused = 0;
  for (size_t at = 0; at < model.size(); ++at) {
    std::string wrong = model;
    wrong[at] = static_cast<char>(wrong[at] ^ 0xff);
    try {
      DecodeModelProto(wrong, "m");
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, model.size() / 4);
}

TEST(DecodeModelProto, RefusesModelsOfAnotherKind) {
  // Fields by number: trainer_spec {model_type, byte_fallback}, normalizer_spec {prefix, extra spaces}.
  const std::string piece =
      "\x0a\x03\x0a\x01"
      "a";
  const auto model = [&](const std::string& trainer, const std::string& normalizer) {
    const auto field = [](char tag, const std::string& bytes) {
      return std::string{tag, static_cast<char>(bytes.size())} + bytes;
    };
    return piece + field('\x12', trainer) + field('\x1a', normalizer);
  };
  const std::string bpe("\x18\x02", 2), unigram("\x18\x01", 2), fallback("\x98\x02\x01", 3);
  const std::string plain("\x18\x00\x20\x00", 4), prefix("\x20\x00", 2), charsmap("\x12\x01x", 3);
  EXPECT_EQ(DecodeModelProto(model(bpe + fallback, plain), "m").pieces, std::vector<std::string>{"a"});
  const auto message = [&](const std::string& bytes) {
    return MessageOf([&] { DecodeModelProto(bytes, "m"); });
  };
  EXPECT_THAT(message(model(unigram + fallback, plain)), HasSubstr("not BPE"));
  EXPECT_THAT(message(model(bpe, plain)), HasSubstr("fall back to bytes"));
  EXPECT_THAT(message(model(bpe + fallback, prefix)), HasSubstr("changes the text"));
  EXPECT_THAT(message(model(bpe + fallback, plain + charsmap)), HasSubstr("changes the text"));
  EXPECT_THAT(message(piece), HasSubstr("not a SentencePiece model"));
  EXPECT_THAT(message("hello"), HasSubstr("not a SentencePiece model"));
  EXPECT_THAT(message(std::string(100, '\xff')), HasSubstr("not a SentencePiece model"));
}

TEST(EncodeModelProto, IsReadAsWritten) {
  const ScoredPieces golden = TinyPieces();
  const ScoredPieces scored = DecodeModelProto(EncodeModelProto(golden), "m");
  EXPECT_EQ(scored.pieces, golden.pieces);
  EXPECT_EQ(scored.scores, golden.scores);
  EXPECT_EQ(scored.types, golden.types);
  EXPECT_EQ(scored.pad_id, 0);
  EXPECT_EQ(scored.eos_id, 1);
  EXPECT_EQ(scored.bos_id, 2);
  EXPECT_EQ(scored.unk_id, 3);
  sentencepiece::SentencePieceProcessor processor;
  ASSERT_TRUE(processor.LoadFromSerializedProto(EncodeModelProto(golden)).ok());
  EXPECT_EQ(processor.bos_id(), 2);
  EXPECT_EQ(processor.eos_id(), 1);
  EXPECT_EQ(processor.pad_id(), 0);
  EXPECT_EQ(processor.unk_id(), 3);
}

TEST(EncodeModelWithoutAdded, IsReadBySentencePiece) {
  Vocabulary vocabulary = {.pieces = {"<unk>", "<c>", "a", "b", "ab", "ba", "aba"}, .unk_id = 0};
  vocabulary.merges = {{2, 5, 6}, {4, 2, 6}, {2, 3, 4}, {3, 2, 5}};
  vocabulary.added_tokens = {{.id = 1, .content = "<c>"}};
  for (int byte = 0; byte < 256; ++byte) vocabulary.pieces.push_back(fmt::format("<0x{:02X}>", byte));
  sentencepiece::SentencePieceProcessor processor;
  ASSERT_TRUE(processor.LoadFromSerializedProto(EncodeModelWithoutAdded(vocabulary)).ok());
  EXPECT_EQ(processor.GetPieceSize(), 263);
  EXPECT_TRUE(processor.IsUnknown(0));
  EXPECT_TRUE(processor.IsControl(1));
  EXPECT_FALSE(processor.IsControl(2));
  EXPECT_TRUE(processor.IsByte(7));
  EXPECT_EQ(processor.GetScore(6), 0.0F);
  EXPECT_EQ(processor.GetScore(4), -2.0F);
  std::vector<int> ids;
  ASSERT_TRUE(processor.Encode("abab  c", &ids).ok());
  // aba b, then ▁▁ and c as bytes
  EXPECT_EQ(ids,
            (std::vector<int>{6, 3, 7 + 0xe2, 7 + 0x96, 7 + 0x81, 7 + 0xe2, 7 + 0x96, 7 + 0x81, 7 + 'c'}));
}

TEST(EncodeModelWithoutAdded, LeavesAddedTokensToBpeThatItCanMake) {
  Vocabulary vocabulary = {.pieces = {"<unk>", "a", "\u3042", "aa", "bb"}, .unk_id = 0};
  vocabulary.merges = {{1, 1, 3}};
  for (int byte = 0; byte < 256; ++byte) vocabulary.pieces.push_back(fmt::format("<0x{:02X}>", byte));
  for (const int id : {1, 2, 3, 4, 5 + 'x'}) {
    vocabulary.added_tokens.push_back({.id = id, .content = vocabulary.pieces[id]});
  }
  sentencepiece::SentencePieceProcessor processor;
  ASSERT_TRUE(processor.LoadFromSerializedProto(EncodeModelWithoutAdded(vocabulary)).ok());
  EXPECT_TRUE(processor.IsControl(4));
  EXPECT_TRUE(processor.IsByte(5 + 'x'));
  std::vector<int> ids;
  ASSERT_TRUE(processor.Encode("aaa\u3042xbb", &ids).ok());
  EXPECT_EQ(ids, (std::vector<int>{3, 1, 2, 5 + 'x', 5 + 'b', 5 + 'b'}));
}

}  // namespace
}  // namespace gemtune::text
