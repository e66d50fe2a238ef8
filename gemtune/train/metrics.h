#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace gemtune::train {

/// Named results, in the order in which they are shown: numbers first, then tables.
using Metrics = nlohmann::ordered_json;

/// The most classes for which there is a confusion_matrix; with more it could be millions of numbers, nearly
/// all zero.
inline constexpr size_t kMatrixClasses = 200;

/// accuracy, macro_f1, per_class {name: {precision, recall, f1, support}} and confusion_matrix
/// [true][predicted] of class ids in [0, names.size()). With more than kMatrixClasses classes the matrix is
/// replaced by confusions: [true id, predicted id, count] of the errors, the most frequent first, at most
/// 100,000. As in scikit-learn with zero_division=0, a class without predictions has precision 0; macro_f1 is
/// the mean over the classes that occur in targets or predictions.
Metrics SingleLabelMetrics(std::span<const int64_t> targets, std::span<const int64_t> predictions,
                           const std::vector<std::string>& names);

/// accuracy (all labels of an example right), micro_f1, macro_f1 and per_class of 0/1 labels, row-major [N,
/// names.size()].
Metrics MultiLabelMetrics(std::span<const uint8_t> targets, std::span<const uint8_t> predictions,
                          const std::vector<std::string>& names);

/// mse, mae and pearson (null if either side is constant) of numbers, row-major [N, outputs]. With several
/// outputs these are means over the outputs, as scikit-learn's uniform_average; pearson's is over the outputs
/// that have one.
Metrics RegressionMetrics(std::span<const float> targets, std::span<const float> predictions,
                          size_t outputs = 1);

/// The metrics as printed and logged. Up to 20 classes: all but the tables of
/// ProbabilityMetrics. With more classes,
/// per_class and the confusions are replaced by worst_classes (the ten with the lowest F1 among those that
/// occur) and worst_confusions (the ten most frequent, {true, predicted, count}).
Metrics Concise(const Metrics& metrics);

/// JSON with an indent of 2; a list of numbers, such as a row of a matrix or a confusion, is one line.
std::string Text(const Metrics& metrics);

}  // namespace gemtune::train
