#include "gemtune/infer/answers.h"

#include <string_view>

#include "gemtune/base/error.h"
#include "gemtune/infer/rouge.h"

namespace gemtune::infer {
namespace {

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

bool IsRight(std::string_view expected, std::string_view text, const std::optional<Pattern>& answer,
             size_t number) {
  if (!answer) return Trimmed(expected) == Trimmed(text);
  const std::optional<std::string_view> wanted = answer->Find(expected);
  if (!wanted) {
    Fail("example {}: `answer_regex` finds nothing in the expected answer '{}'; was it cut at `max_length`?",
         number, Printable(expected.substr(expected.size() > 60 ? expected.size() - 60 : 0)));
  }
  return answer->Find(text) == wanted;
}

}  // namespace

LastAnswer FindLastAnswer(const data::Dataset& dataset, int64_t example, const text::Tokenizer& tokenizer) {
  const std::span<const int32_t> ids = dataset.ids(example);
  const std::span<const uint8_t> is_target = dataset.is_target(example);
  GEMTUNE_CHECK(is_target.size() == ids.size());
  size_t end = ids.size();
  while (end > 0 && is_target[end - 1] == 0) --end;
  size_t begin = end;
  while (begin > 0 && is_target[begin - 1] != 0) --begin;
  GEMTUNE_CHECK(begin < end);
  return {.prompt = {ids.begin(), ids.begin() + static_cast<ptrdiff_t>(begin)},
          .text = tokenizer.Decode(ids.subspan(begin, end - begin), /*skip_special_tokens=*/true)};
}

AnswerScores ScoreAnswers(std::span<const std::string> expected, std::span<const std::string> texts,
                          const std::optional<Pattern>& answer) {
  GEMTUNE_CHECK(expected.size() == texts.size() && !texts.empty());
  AnswerScores scores;
  for (size_t i = 0; i < texts.size(); ++i) {
    scores.exact_match += IsRight(expected[i], texts[i], answer, i + 1) ? 1 : 0;
    scores.rouge_l += ScoreRougeL(expected[i], texts[i]).fmeasure;
  }
  scores.exact_match /= static_cast<double>(texts.size());
  scores.rouge_l /= static_cast<double>(texts.size());
  return scores;
}

}  // namespace gemtune::infer
