#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gemtune::model {

/// The meaning of a classifier's outputs, in config.json's terms.
struct ClassifierHead {
  std::string problem_type;  // single_label_classification, multi_label_classification or regression
  std::vector<std::string> label_names;  // id2label in the order of ids; for regression LABEL_0, ...

  /// From here on gemtune's own, under "gemtune" in config.json, which transformers ignores. Scores are those
  /// of logits / temperature.
  double temperature = 1;
  /// [labels]: a label of several is given if its score is above its threshold; empty: above 1/2.
  std::vector<double> thresholds = {};

  double Threshold(size_t id) const { return thresholds.empty() ? 0.5 : thresholds[id]; }
};

/// Whether all names are LABEL_0, LABEL_1, ..., as transformers names unnamed classes.
bool HasDefaultNames(const ClassifierHead& head);

/// For each output of `now`, the row of the head `before` from which it continues, found by name; nullopt if
/// it is new. Outputs of a regression and those with default names are matched by id if the counts are equal.
/// Heads of a regression and of a classifier share no rows.
std::vector<std::optional<int64_t>> HeadRows(const ClassifierHead& before, const ClassifierHead& now);

/// One line that says what happens to the head `before` when training for `now`.
std::string DescribeHead(const ClassifierHead& before, const ClassifierHead& now);

}  // namespace gemtune::model
