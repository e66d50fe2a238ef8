#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace gemtune::train {

/// Named results, in the order they are shown: numbers first, tables behind.
using Metrics = nlohmann::ordered_json;

/// Classes up to which confusion_matrix is there; beyond, it would be millions of numbers, nearly all zero.
inline constexpr size_t kMatrixClasses = 200;

/// accuracy, macro_f1, per_class {name: {precision, recall, f1, support}} and confusion_matrix
/// [true][predicted] of class ids in [0, names.size()); for more than kMatrixClasses classes in its place
/// confusions, [true id, predicted id, count] of the errors, the most frequent first, at most 100,000. As
/// scikit-learn with zero_division=0: a class without predictions has precision 0; macro_f1 is the mean over
/// the classes that occur in targets or predictions.
Metrics SingleLabelMetrics(std::span<const int64_t> targets, std::span<const int64_t> predictions,
                           const std::vector<std::string>& names);

/// accuracy (all labels of an example right), micro_f1, macro_f1 and per_class of 0/1 labels, row-major [N,
/// names.size()].
Metrics MultiLabelMetrics(std::span<const uint8_t> targets, std::span<const uint8_t> predictions,
                          const std::vector<std::string>& names);

/// mse, mae and pearson (null where either side is constant) of numbers, row-major [N, outputs]: of several
/// outputs the means over them, as scikit-learn's uniform_average; pearson of those that have one.
Metrics RegressionMetrics(std::span<const float> targets, std::span<const float> predictions,
                          size_t outputs = 1);

/// What a person reads and a log keeps of metrics: all of them up to 20 classes; of more, in the place of
/// per_class and the confusions, worst_classes (the ten of the lowest F1 that occur) and worst_confusions
/// (the ten most frequent, {true, predicted, count}).
Metrics Concise(const Metrics& metrics);

/// JSON with an indent of 2, a list of numbers on one line: a row of a matrix, three of a confusion.
std::string Text(const Metrics& metrics);

}  // namespace gemtune::train
