#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace gemtune::train {

/// Named results, in the order they are shown: numbers first, tables behind.
using Metrics = nlohmann::ordered_json;

/// accuracy, macro_f1, per_class {name: {precision, recall, f1, support}} and confusion_matrix
/// [true][predicted] of class ids in [0, names.size()). As scikit-learn with zero_division=0: a class without
/// predictions has precision 0; macro_f1 is the mean over the classes that occur in targets or predictions.
Metrics SingleLabelMetrics(std::span<const int64_t> targets, std::span<const int64_t> predictions,
                           const std::vector<std::string>& names);

/// accuracy (all labels of an example right), micro_f1, macro_f1 and per_class of 0/1 labels, row-major [N,
/// names.size()].
Metrics MultiLabelMetrics(std::span<const uint8_t> targets, std::span<const uint8_t> predictions,
                          const std::vector<std::string>& names);

/// mse, mae and pearson (null where either side is constant).
Metrics RegressionMetrics(std::span<const float> targets, std::span<const float> predictions);

}  // namespace gemtune::train
