#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gemtune::model {

/// What a classifier's outputs mean, in config.json's terms.
struct ClassifierHead {
  std::string problem_type;  // single_label_classification, multi_label_classification or regression
  std::vector<std::string> label_names;  // id2label in the order of ids; of regression LABEL_0, ...
};

/// Whether the names say nothing: LABEL_0, LABEL_1, ..., as transformers names classes that have none.
bool HasDefaultNames(const ClassifierHead& head);

/// For each output of `now` the row of the head `before` that it goes on with, or nothing where it is new:
/// the one of the same name. Outputs of regression, and those of default names, go by their ids if there are
/// as many. A regression's head and a classifier's have nothing in common.
std::vector<std::optional<int64_t>> HeadRows(const ClassifierHead& before, const ClassifierHead& now);

/// One line on what becomes of the head `before` in training for `now`.
std::string DescribeHead(const ClassifierHead& before, const ClassifierHead& now);

}  // namespace gemtune::model
