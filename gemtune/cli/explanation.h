#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "gemtune/infer/explain.h"

namespace gemtune::cli {

/// An explanation as predict shows it.
struct ShownExplanation {
  std::string label;  // of the explained output; "" for a number
  std::string score;  // as text; may be empty
  double logit = 0, baseline_logit = 0;
  std::vector<infer::ExplainedPiece> pieces;
};

/// {"label", "logit", "baseline_logit", "tokens": [{"token", "contribution"}, ...]}.
nlohmann::ordered_json ToJson(const ShownExplanation& explanation);

/// A line of head, then the text, each token on green for what speaks for the label and on red for what
/// speaks against it, the stronger the deeper; for a terminal of ANSI's 24-bit colours.
std::string Colored(const ShownExplanation& explanation);

/// The same as one self-contained HTML page; each token's number appears under the pointer.
std::string ExplanationPage(const std::vector<ShownExplanation>& explanations);

}  // namespace gemtune::cli
