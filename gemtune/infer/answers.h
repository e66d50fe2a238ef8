#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gemtune/base/pattern.h"
#include "gemtune/data/dataset.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::infer {

/// The last answer of a conversation.
struct LastAnswer {
  std::vector<int32_t> prompt;  // the tokens before it
  std::string text;             // its own, without special tokens
};

/// Of an example whose targets are answers (data::RowKind::kConversation).
LastAnswer FindLastAnswer(const data::Dataset& dataset, int64_t example, const text::Tokenizer& tokenizer);

struct AnswerScores {
  double exact_match = 0;  // the share of answers that are right
  double rouge_l = 0;      // the mean F-measure of ScoreRougeL
};

/// Compares each text with the one that was expected. One is right if both are the same without whitespace
/// around them or, with `answer`, if that finds the same in both (Pattern::Find). Throws Error for an
/// expected text in which it finds nothing, with its number, counted from 1.
AnswerScores ScoreAnswers(std::span<const std::string> expected, std::span<const std::string> texts,
                          const std::optional<Pattern>& answer);

}  // namespace gemtune::infer
