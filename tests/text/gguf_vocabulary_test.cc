#include "gemtune/text/gguf_vocabulary.h"

#include <gmock/gmock.h>

#include <functional>
#include <optional>

#include "gemtune/io/gguf.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/text/tiny.h"

namespace gemtune::text {
namespace {

using ::gemtune::test::GgufWriter;
using ::gemtune::test::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class GgufVocabulary : public test::TempDir {
 protected:
  struct Contents {
    std::string model = "llama";
    ScoredPieces scored = TinyPieces();
    std::optional<bool> add_bos = {}, add_eos = {}, add_space_prefix = {};
    std::optional<std::string> chat_template = {};
    std::optional<uint32_t> bos_id = 2;
  };

  Vocabulary Read(const Contents& contents) {
    std::vector<int32_t> types;
    for (const PieceType type : contents.scored.types) types.push_back(static_cast<int32_t>(type));
    GgufWriter writer;
    writer.Set("general.architecture", "gemma3")
        .Set("tokenizer.ggml.model", contents.model)
        .Set("tokenizer.ggml.tokens", contents.scored.pieces)
        .Set("tokenizer.ggml.scores", contents.scored.scores)
        .Set("tokenizer.ggml.token_type", types)
        .Set("tokenizer.ggml.eos_token_id", uint32_t{1})
        .Set("tokenizer.ggml.padding_token_id", uint32_t{0})
        .Set("tokenizer.ggml.unknown_token_id", uint32_t{3});
    if (contents.bos_id) writer.Set("tokenizer.ggml.bos_token_id", *contents.bos_id);
    if (contents.add_bos) writer.Set("tokenizer.ggml.add_bos_token", *contents.add_bos);
    if (contents.add_eos) writer.Set("tokenizer.ggml.add_eos_token", *contents.add_eos);
    if (contents.add_space_prefix) writer.Set("tokenizer.ggml.add_space_prefix", *contents.add_space_prefix);
    if (contents.chat_template) writer.Set("tokenizer.chat_template", *contents.chat_template);
    writer.Write(dir_ / "m.gguf");
    return ReadGgufVocabulary(dir_ / "m.gguf");
  }
  std::string Fault(const Contents& contents) {
    return MessageOf([&] { Read(contents); });
  }
};

TEST_F(GgufVocabulary, ReadsPiecesAndIds) {
  const Vocabulary vocabulary = Read({});
  EXPECT_EQ(vocabulary.pieces, TinyPieces().pieces);
  EXPECT_EQ(vocabulary.merges.size(), VocabularyFromScores(TinyPieces(), "").merges.size());
  EXPECT_EQ(vocabulary.pad_id, 0);
  EXPECT_EQ(vocabulary.eos_id, 1);
  EXPECT_EQ(vocabulary.bos_id, 2);
  EXPECT_EQ(vocabulary.unk_id, 3);
  EXPECT_THAT(vocabulary.special_tokens.single_before, ElementsAre(2));
  EXPECT_THAT(vocabulary.special_tokens.single_after, IsEmpty());
  EXPECT_EQ(vocabulary.chat_template, std::nullopt);
}

TEST_F(GgufVocabulary, ReadsFlagsAndTemplate) {
  const Vocabulary vocabulary = Read({.add_bos = false, .add_eos = true, .chat_template = "{{ x }}"});
  EXPECT_THAT(vocabulary.special_tokens.single_before, IsEmpty());
  EXPECT_THAT(vocabulary.special_tokens.single_after, ElementsAre(1));
  EXPECT_EQ(vocabulary.chat_template, "{{ x }}");
  EXPECT_THAT(Read({.bos_id = std::nullopt}).special_tokens.single_before, IsEmpty());
}

TEST_F(GgufVocabulary, RefusesOtherKinds) {
  const std::string place = (dir_ / "m.gguf").string();
  EXPECT_THAT(Fault({.model = "gpt2"}),
              HasSubstr(place + ": not a Gemma tokenizer: tokenizer.ggml.model is 'gpt2'"));
  EXPECT_THAT(Fault({.add_space_prefix = true}), HasSubstr("puts a space in front"));
}

TEST_F(GgufVocabulary, RefusesListsThatDoNotFit) {
  Contents contents;
  contents.scored.scores.pop_back();
  EXPECT_THAT(Fault(contents), HasSubstr("tokens, but"));
  contents = {};
  contents.scored.types.pop_back();
  EXPECT_THAT(Fault(contents), HasSubstr("tokens, but"));
  contents = {};
  contents.scored.types[7] = static_cast<PieceType>(9);
  EXPECT_THAT(Fault(contents), HasSubstr("token 7 is of unknown type 9"));
  contents = {};
  contents.scored.pieces[7].assign(1, '\xff');
  EXPECT_THAT(Fault(contents), HasSubstr("token 7"));
}

TEST_F(GgufVocabulary, RefusesAFileWithoutTokenizer) {
  GgufWriter().Set("general.architecture", "gemma3").Write(dir_ / "m.gguf");
  EXPECT_THAT(MessageOf([&] { ReadGgufVocabulary(dir_ / "m.gguf"); }), HasSubstr("tokenizer.ggml.model"));
}

TEST_F(GgufVocabulary, IsWrittenAsConvertHfToGgufDoes) {
  const Vocabulary tiny = VocabularyFromScores(TinyPieces(), "f");
  Vocabulary vocabulary = tiny;
  vocabulary.eos_id = 7;  // <end_of_turn>
  const auto size = static_cast<int32_t>(vocabulary.pieces.size());
  vocabulary.added_tokens.push_back({.id = size, .content = "<image_soft_token>", .special = true});
  vocabulary.chat_template = "{{ x }}";
  for (const int rows :
       {0, 1, 3}) {  // <image_soft_token> has no row; has the last one; has unused ones behind it
    io::GgufMetadata metadata;
    AddGgufVocabulary(vocabulary, size + rows, metadata);
    io::GgufWriter(dir_ / "w.gguf", metadata, {}).Commit();
    const io::GgufFile file = io::GgufFile::Open(dir_ / "w.gguf");
    const auto tokens = file.Required<std::span<const std::string_view>>("tokenizer.ggml.tokens");
    const auto types = file.Required<std::vector<int32_t>>("tokenizer.ggml.token_type");
    const auto scores = file.Required<std::vector<float>>("tokenizer.ggml.scores");
    ASSERT_EQ(tokens.size(), static_cast<size_t>(size + rows));
    EXPECT_EQ(file.Required<std::string_view>("tokenizer.ggml.pre"), "default");
    EXPECT_EQ(types[3], 3);  // <unk> is special, and then llama.cpp's type is control
    EXPECT_EQ(scores[3], -1000.0f);
    if (rows >= 1) {
      EXPECT_EQ(tokens[size], "<image_soft_token>");
    }
    if (rows == 3) {
      EXPECT_EQ(tokens[size + 2], "[PAD" + std::to_string(size + 2) + "]");
      EXPECT_EQ(types[size + 2], 5);
    }
    for (const AddedToken& token : tiny.added_tokens) {
      EXPECT_EQ(scores[token.id], -1000.0f);
      EXPECT_EQ(tokens[token.id].find(kSpaceSymbol), std::string_view::npos) << tokens[token.id];
    }

    const Vocabulary read = ReadGgufVocabulary(dir_ / "w.gguf");
    EXPECT_EQ(read.chat_template, "{{ x }}");
    EXPECT_EQ(read.bos_id, 2);
    EXPECT_EQ(read.eos_id, 7);
    EXPECT_EQ(read.pad_id, 0);
    EXPECT_EQ(read.unk_id, 3);
    EXPECT_EQ(read.special_tokens.single_before, std::vector<int32_t>{2});
    EXPECT_THAT(read.special_tokens.single_after, IsEmpty());
    EXPECT_EQ(std::vector(read.pieces.begin(), read.pieces.begin() + size), tiny.pieces);
    EXPECT_EQ(read.merges.size(), tiny.merges.size());
  }
}

}  // namespace
}  // namespace gemtune::text
