#include "gemtune/infer/answer_text.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::infer {
namespace {

class AnswerTextTest : public test::TempDir {
 protected:
  // What is shown after each letter, and at the end after "|".
  std::string Shown(const std::string& text, const std::vector<std::string>& stops) {
    const text::Tokenizer tokenizer = test::TinyTokenizer().Make(dir_);
    AnswerText answer(tokenizer, stops);
    std::string shown;
    for (const int32_t id : tokenizer.Encode(text, {.add_special_tokens = false})) {
      shown += answer.Add(id) + ".";
      if (answer.is_stopped()) return shown + "!" + answer.text();
    }
    shown += "|" + answer.Finish();
    return shown + "|" + answer.text();
  }
};

TEST_F(AnswerTextTest, ShowsEachTokenAtOnceWithoutStops) {
  EXPECT_EQ(Shown("ab th", {}), "a.b. .th.||ab th");
}

TEST_F(AnswerTextTest, StopsAcrossTheBordersOfTokens) {
  EXPECT_EQ(Shown("abcdxy", {"cd"}), "a.b...!ab");
  EXPECT_EQ(Shown("athe", {"he"}), "a.t..!at");    // begins within the token "th"
  EXPECT_EQ(Shown("xath b", {"at"}), "x...!x");    // ends within it
  EXPECT_EQ(Shown("abc", {"abc", "b"}), ".a.!a");  // the first that is whole
  EXPECT_EQ(Shown("abab", {"x", "ba"}), "a...!a");
}

TEST_F(AnswerTextTest, ShowsWhatTurnsOutNotToStop) {
  EXPECT_EQ(Shown("abx", {"abc"}), "..abx.||abx");
  EXPECT_EQ(Shown("ab", {"abc"}), "..|ab|ab");
  EXPECT_EQ(Shown("aab", {"ab"}), ".a..!a");
}

}  // namespace
}  // namespace gemtune::infer
