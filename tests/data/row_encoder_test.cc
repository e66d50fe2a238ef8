#include "gemtune/data/row_encoder.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::data {
namespace {

using test::MessageOf;
using test::TinyTokenizer;
using testing::ElementsAre;
using testing::HasSubstr;

class RowEncoderTest : public test::TempDir {
 protected:
  Dataset Load(const DatasetOptions& options) { return Dataset::Load(options, tokenizer_); }

  DatasetOptions Conversations(std::string_view jsonl) {
    WriteFileAtomically(dir_ / "a.jsonl", jsonl);
    return {.files = {(dir_ / "a.jsonl").string()},
            .label_kind = LabelKind::kNone,
            .row_kind = RowKind::kConversation};
  }

  DatasetOptions Documents(const std::string& name, std::string_view contents) {
    WriteFileAtomically(dir_ / name, contents);
    return {
        .files = {(dir_ / name).string()}, .label_kind = LabelKind::kNone, .row_kind = RowKind::kDocument};
  }

  // An example's tokens as text, and those of its targets.
  std::string Text(const Dataset& dataset, int64_t i) const {
    return tokenizer_.Decode(dataset.ids(i), /*skip_special_tokens=*/false);
  }
  std::string Targets(const Dataset& dataset, int64_t i) const {
    std::vector<int32_t> ids;
    for (size_t t = 0; t < dataset.ids(i).size(); ++t) {
      if (dataset.is_target(i)[t] != 0) ids.push_back(dataset.ids(i)[t]);
    }
    return tokenizer_.Decode(ids, /*skip_special_tokens=*/false);
  }

  text::Tokenizer tokenizer_ = TinyTokenizer{.turns = true}.Make(dir_ / "tokenizer");
};

constexpr const char* kTwoTurns =
    R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                     {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]})";

TEST_F(RowEncoderTest, AConversationIsAnExampleWithTargets) {
  std::string row = kTwoTurns;
  std::erase(row, '\n');
  DatasetOptions options = Conversations(row + "\n" + R"({"prompt": "x", "completion": "y"})");
  const Dataset all = Load(options);
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(Text(all, 1), "<bos><start_of_turn>user\nx<end_of_turn>\n<start_of_turn>model\ny<end_of_turn>\n");
  EXPECT_EQ(Targets(all, 0), "b<end_of_turn>d<end_of_turn>");
  EXPECT_EQ(Targets(all, 1), "y<end_of_turn>");
  options.only_last_answer = true;
  EXPECT_EQ(Targets(Load(options), 0), "d<end_of_turn>");
}

TEST_F(RowEncoderTest, ALongConversationIsCutOrLeftOut) {
  const std::string rows = R"({"prompt": "x", "completion": "y"})"
                           "\n"
                           R"({"prompt": "xxxxxxxx", "completion": "y"})"
                           "\n"
                           R"({"prompt": "x", "completion": "zzzzzzzz"})"
                           "\n";
  DatasetOptions options = Conversations(rows);
  options.max_length = 24;
  const Dataset whole = Load(options);
  ASSERT_EQ(whole.length(0), 20);
  ASSERT_EQ(whole.size(), 2);  // the second row has no target left
  EXPECT_EQ(whole.truncated(), 1);
  EXPECT_EQ(whole.length(1), 24);
  EXPECT_EQ(Targets(whole, 1), "zzzzzzz");
  ASSERT_EQ(whole.skipped().size(), 1u);
  EXPECT_EQ(whole.skipped()[0].before, 1);
  EXPECT_THAT(whole.skipped()[0].message,
              HasSubstr("row 2: no answer begins within the first 24 tokens (`max_length`) of 27"));
  options.excess_length = ExcessLength::kDrop;
  const Dataset dropped = Load(options);
  ASSERT_EQ(dropped.size(), 1);
  ASSERT_EQ(dropped.skipped().size(), 2u);
  EXPECT_EQ(dropped.skipped()[1].fault, RowFault::kTooLong);
  EXPECT_THAT(dropped.skipped()[1].message, HasSubstr("row 3: the conversation has 27 tokens, more than"));
}

TEST_F(RowEncoderTest, TheTokenizerMustHaveTurns) {
  tokenizer_ = TinyTokenizer().Make(dir_ / "plain");
  EXPECT_THAT(MessageOf([&] { Load(Conversations(R"({"prompt": "x", "completion": "y"})")); }),
              HasSubstr("its tokenizer has no token <start_of_turn>"));
}

TEST_F(RowEncoderTest, BadConversationsAreFaultsOfTheirRows) {
  DatasetOptions options = Conversations(
      "{\"prompt\": \"x\", \"completion\": \"y\"}\n{\"prompt\": \"x\", \"completion\": \"\"}\n{\"text\": "
      "1}\n");
  EXPECT_THAT(MessageOf([&] { Load(options); }),
              HasSubstr("a.jsonl: row 2: turn 2, the assistant's, is empty"));
  options.on_bad_row = OnBadRow::kSkip;
  const Dataset dataset = Load(options);
  EXPECT_EQ(dataset.size(), 1);
  ASSERT_EQ(dataset.skipped().size(), 2u);
  EXPECT_EQ(dataset.skipped()[0].fault, RowFault::kBadConversation);
  EXPECT_EQ(dataset.skipped()[1].fault, RowFault::kNoColumn);
}

TEST_F(RowEncoderTest, ConversationsComeFromCsv) {
  WriteFileAtomically(dir_ / "a.csv", "question,id,answer\nx,1,y\n\"a\nb\",2,\n");
  DatasetOptions options = Conversations("");
  options.files = {(dir_ / "a.csv").string()};
  options.conversation_columns = {.prompt = "question", .completion = "answer"};
  options.max_samples = 1;
  EXPECT_EQ(Targets(Load(options), 0), "y<end_of_turn>");
  options.max_samples = 0;
  EXPECT_THAT(MessageOf([&] { Load(options); }),
              HasSubstr("a.csv: row 2: turn 2, the assistant's, is empty"));
}

TEST_F(RowEncoderTest, ADocumentIsCutIntoExamples) {
  DatasetOptions options =
      Documents("a.jsonl", "{\"text\": \"abcdefg\"}\n{\"text\": \"\"}\n{\"text\": \"x\"}\n");
  const Dataset whole = Load(options);
  ASSERT_EQ(whole.size(), 2);  // an empty one is none
  EXPECT_EQ(Text(whole, 0), "<bos>abcdefg<eos>");
  EXPECT_EQ(Targets(whole, 0), "abcdefg<eos>");
  options.max_length = 5;
  const Dataset cut = Load(options);
  ASSERT_EQ(cut.size(), 3);
  EXPECT_EQ(Text(cut, 0), "<bos>abcd");
  EXPECT_EQ(Text(cut, 1), "<bos>efg<eos>");
  EXPECT_EQ(Text(cut, 2), "<bos>x<eos>");
  EXPECT_EQ(cut.truncated(), 0);
  options.max_length = 1;
  EXPECT_THAT(MessageOf([&] { Load(options); }), HasSubstr("`max_length` 1: a language model's example"));
}

TEST_F(RowEncoderTest, AFileOfPlainTextIsOneDocument) {
  std::string text;
  while (text.size() < (3u << 20)) text += "abc\n";
  DatasetOptions options = Documents("a.txt", text);
  options.files.push_back(Documents("b.txt", "x\n").files.front());
  const Dataset whole = Load(options);
  ASSERT_EQ(whole.size(), 2);
  EXPECT_EQ(whole.length(0), std::ssize(text) + 2);
  EXPECT_EQ(Text(whole, 1), "<bos>x\n<eos>");
  options.max_length = 512;
  const Dataset cut = Load(options);
  EXPECT_EQ(cut.size(), (std::ssize(text) + 1 + 510) / 511 + 1);
  EXPECT_EQ(cut.length(0), 512);
  EXPECT_EQ(cut.tokens() - cut.size(), std::ssize(text) + 1 + 3);
}

TEST_F(RowEncoderTest, SkippedRowsOfDocumentsStandBetweenExamples) {
  DatasetOptions options =
      Documents("a.jsonl", "{\"text\": \"abcdefgh\"}\n{\"text\": null}\n{\"text\": \"x\"}\n{\"text\": 5}\n");
  options.max_length = 5;
  options.on_bad_row = OnBadRow::kSkip;
  const Dataset dataset = Load(options);
  ASSERT_EQ(dataset.size(), 4);
  ASSERT_EQ(dataset.skipped().size(), 2u);
  EXPECT_EQ(dataset.skipped()[0].before, 3);
  EXPECT_EQ(dataset.skipped()[1].before, 4);
}

TEST_F(RowEncoderTest, PlainTextIsForDocumentsOnly) {
  DatasetOptions options = Documents("a.txt", "x\n");
  options.row_kind = RowKind::kText;
  EXPECT_THAT(MessageOf([&] { Load(options); }), HasSubstr("a.txt: plain text has no columns"));
}

TEST_F(RowEncoderTest, TheCacheKnowsTargets) {
  std::string row = kTwoTurns;
  std::erase(row, '\n');
  DatasetOptions options = Conversations(row);
  options.cache_dir = dir_ / "cache";
  const Dataset first = Load(options), again = Load(options);
  EXPECT_TRUE(first.cache_hit().empty());
  EXPECT_FALSE(again.cache_hit().empty());
  EXPECT_EQ(again.Fingerprint(), first.Fingerprint());
  options.only_last_answer = true;
  EXPECT_TRUE(Load(options).cache_hit().empty());
}

}  // namespace
}  // namespace gemtune::data
