#include "gemtune/train/calibration.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "gemtune/base/error.h"

namespace gemtune::train {
namespace {

// The T at which `slope`, which rises with 1 / T, is zero, or the end of the range that is nearest to it.
// Where a model is always right the slope never is; it is rounded to zero.
double FindTemperature(const std::function<double(double inverse)>& slope) {
  double low = std::log(1 / kTemperatures.most), high = std::log(1 / kTemperatures.least);
  constexpr int kHalvings = 60;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (slope(std::exp(middle)) <= 0 ? low : high) = middle;
  }
  return std::exp(-(low + high) / 2);
}

// Of the loss of a row at 1 / T = b: the mean of its logits under softmax(b · logits), less the right one.
double RowSlope(std::span<const float> logits, size_t target, double b) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0, weighted = 0;
  for (const float logit : logits) {
    const double part = std::exp(b * (logit - largest));
    sum += part;
    weighted += part * logit;
  }
  return weighted / sum - logits[target];
}

}  // namespace

double FitTemperature(std::span<const float> logits, std::span<const int64_t> targets, size_t classes) {
  GEMTUNE_CHECK(!targets.empty() && logits.size() == targets.size() * classes);
  return FindTemperature([&](double b) {
    double slope = 0;
    for (size_t row = 0; row < targets.size(); ++row)
      slope += RowSlope(logits.subspan(row * classes, classes), static_cast<size_t>(targets[row]), b);
    return slope;
  });
}

double FitTemperature(std::span<const float> logits, std::span<const uint8_t> targets) {
  GEMTUNE_CHECK(!targets.empty() && logits.size() == targets.size());
  return FindTemperature([&](double b) {
    double slope = 0;
    for (size_t i = 0; i < targets.size(); ++i)
      slope += logits[i] * (1 / (1 + std::exp(-b * logits[i])) - (targets[i] != 0 ? 1.0 : 0.0));
    return slope;
  });
}

ThresholdGoal ThresholdGoal::Parse(const std::string& text) {
  if (text == "f1") return {};
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals),
                    number = equals == text.npos ? "" : text.substr(equals + 1);
  ThresholdGoal goal{.kind = name == "precision" ? Kind::kPrecision : Kind::kRecall};
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), goal.least);
  const bool is_share =
      fault == std::errc() && end == number.data() + number.size() && goal.least > 0 && goal.least <= 1;
  if ((name != "precision" && name != "recall") || !is_share)
    Fail("`tune_thresholds` '{}': is none of f1, precision=X and recall=X with X above 0 and at most 1",
         Printable(text));
  return goal;
}

Threshold FindThreshold(std::span<const float> scores, std::span<const uint8_t> targets,
                        const ThresholdGoal& goal) {
  GEMTUNE_CHECK(scores.size() == targets.size());
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, std::ranges::greater(), [&](size_t i) { return scores[i]; });
  const auto positives = static_cast<double>(std::ranges::count(targets, 1));
  GEMTUNE_CHECK(positives > 0);
  // Greater is better; what reaches the goal before what does not.
  using Rank = std::pair<bool, double>;
  const auto rank = [&](const Threshold& t) -> Rank {
    switch (goal.kind) {
      case ThresholdGoal::Kind::kF1:
        return {true, t.f1};
      case ThresholdGoal::Kind::kPrecision:
        return t.precision >= goal.least ? Rank{true, t.recall} : Rank{false, t.precision};
      case ThresholdGoal::Kind::kRecall:
        return t.recall >= goal.least ? Rank{true, t.precision} : Rank{false, t.recall};
    }
    GEMTUNE_CHECK(false);
  };
  Threshold best;
  Rank best_rank = {false, -1};
  double right = 0;
  for (size_t given = 0; given < order.size();) {
    const float score = scores[order[given]];
    for (; given < order.size() && scores[order[given]] == score; ++given) right += targets[order[given]];
    const double below = given < order.size() ? scores[order[given]] : 0.0;
    const auto n = static_cast<double>(given);
    const Threshold here{.value = (score + below) / 2,
                         .precision = right / n,
                         .recall = right / positives,
                         .f1 = 2 * right / (n + positives)};
    if (const Rank its_rank = rank(here); its_rank > best_rank) {
      best = here;
      best_rank = its_rank;
    }
  }
  best.is_reached = best_rank.first;
  return best;
}

}  // namespace gemtune::train
