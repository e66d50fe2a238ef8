#include "gemtune/infer/answers.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::infer {
namespace {

class AnswersTest : public test::TempDir {};

TEST_F(AnswersTest, TheLastRunOfTargetsIsTheLastAnswer) {
  const text::Tokenizer tokenizer = test::TinyTokenizer{.turns = true}.Make(dir_ / "tokenizer");
  const int32_t end = test::TinyTokenizer::kEndOfTurn;
  data::Examples examples;
  examples.label_kind = data::LabelKind::kNone;
  for (const char letter : {'a', 'b', 'c', 'd', 'e'})
    examples.ids.push_back(test::TinyTokenizer::Letter(letter));
  examples.ids.insert(examples.ids.end(), {end, test::TinyTokenizer::kSpace});
  examples.is_target = {0, 1, 0, 1, 1, 1, 0};
  examples.offsets = {0, 7};
  examples.truncated = {0};
  const LastAnswer last = FindLastAnswer(data::Dataset(examples), 0, tokenizer);
  EXPECT_EQ(tokenizer.Decode(last.prompt, false), "abc");
  EXPECT_EQ(last.text, "de");
}

TEST(Answers, AreRightIfTheyAreTheSame) {
  const std::vector<std::string> expected = {"a b", "c", "d"}, texts = {" a b\n", "C", "d"};
  const AnswerScores scores = ScoreAnswers(expected, texts, {});
  EXPECT_DOUBLE_EQ(scores.exact_match, 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores.rouge_l, 1.0);  // which knows no case
}

TEST(Answers, AreRightIfTheExpressionFindsTheSame) {
  const Pattern answer("#### (-?[0-9.,]+)", "`answer_regex`");
  const std::vector<std::string> expected = {"x\n#### 72", "#### -1,000", "#### 5"};
  EXPECT_DOUBLE_EQ(
      ScoreAnswers(expected, std::vector<std::string>{"other words #### 72", "#### 1,000", "5"}, answer)
          .exact_match,
      1.0 / 3);
  EXPECT_THAT(
      test::MessageOf([&] {
        ScoreAnswers(std::vector<std::string>{"#### 1", "no number"}, std::vector<std::string>{"a", "b"},
                     answer);
      }),
      testing::HasSubstr("example 2: `answer_regex` finds nothing in the expected answer 'no number'"));
}

}  // namespace
}  // namespace gemtune::infer
