#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gemtune::train {

/// The temperature T for which softmax(logits / T) says best how likely each class is: the one that minimises
/// the mean −ln p of the right class (Guo et al. 2017, section 4.2), within kTemperatures. The loss is convex
/// in 1 / T, so there is one. `logits` are row-major [N, classes], N > 0 and finite; `targets` ids.
double FitTemperature(std::span<const float> logits, std::span<const int64_t> targets, size_t classes);

/// The same of labels that are independent of each other, with sigmoid(logits / T): one T for all of them.
/// `targets` [N, labels] 0 or 1.
double FitTemperature(std::span<const float> logits, std::span<const uint8_t> targets);

struct TemperatureRange {
  double least, most;
};
inline constexpr TemperatureRange kTemperatures = {0.1, 100};

/// What a threshold on a label's score is to reach: "f1", the highest F1; "precision=0.9", the highest recall
/// with at least this precision; "recall=0.9", the highest precision with at least this recall.
struct ThresholdGoal {
  enum class Kind : uint8_t { kF1, kPrecision, kRecall } kind = Kind::kF1;
  double least = 0;

  /// Throws Error for other texts.
  static ThresholdGoal Parse(const std::string& text);
};

/// A threshold and what a label that is given above it reaches on the data that it was found on.
struct Threshold {
  double value = 0.5;
  double precision = 0, recall = 0, f1 = 0;
  bool is_reached = true;  // else no threshold has that precision, and this one has the highest
};

/// The best threshold for one label, in the middle between two neighbouring scores. Of equally good ones the
/// highest. `scores` in [0, 1] and `targets` 0 or 1, of which at least one is 1.
Threshold FindThreshold(std::span<const float> scores, std::span<const uint8_t> targets,
                        const ThresholdGoal& goal);

}  // namespace gemtune::train
