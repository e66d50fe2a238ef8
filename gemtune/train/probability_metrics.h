#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gemtune/train/metrics.h"

namespace gemtune::train {

/// How good the probabilities of a classifier are, beyond which class is the most likely; the values of
/// scikit-learn where it has the function:
///
/// - log_loss: mean of −ln p of the right class (log_loss).
/// - brier: mean of (y − p)² for two classes, of Σ_c (y_c − p_c)² for more (brier_score_loss).
/// - auroc: area under the ROC curve, ties counted half (roc_auc_score).
/// - average_precision: Σ (R_n − R_{n−1})·P_n over the thresholds (average_precision_score).
/// - expected_calibration_error: Σ_b |right_b − confidence_b| / N over kCalibrationBins equal bins of the
///   highest probability (Guo et al. 2017, eq. 3).
///
/// Of two classes the second is the positive one. Of more, auroc and average_precision are the mean over the
/// classes, each against the rest; a class that all or none of the examples have says nothing and is left
/// out, and what is left of no class is null.
///
/// Behind these numbers come tables for charts, which Concise leaves out:
///
/// - calibration: [{count, confidence, accuracy}] of the bins of expected_calibration_error, confidence and
///   accuracy as means over the bin's examples, null for an empty bin.
/// - most_wrong: [{row, true, predicted, probability}] of the kMostWrong examples whose wrong class has the
///   highest probability, the highest first; rows count from 0.
/// - pr_curves: {name: {positives, negatives, true_positives, false_positives}} of each class that is a
///   positive one above, the last two as lists over kThresholds probabilities in even steps from 0 to 1. Left
///   out for more than kCurves classes.
///
/// If a logit is not finite, all numbers are null and there are no tables.
///
/// `logits` are row-major [N, names.size()], N > 0, with at least two names; probabilities are their softmax.
/// `targets` are ids of names.
Metrics ProbabilityMetrics(std::span<const float> logits, std::span<const int64_t> targets,
                           const std::vector<std::string>& names);

/// The same of labels that are independent of each other, [N, names.size()] 0 or 1: each is a pair of classes
/// with probability sigmoid(logit), and every number is the mean over the labels. There is no most_wrong.
Metrics MultiLabelProbabilityMetrics(std::span<const float> logits, std::span<const uint8_t> targets,
                                     const std::vector<std::string>& names);

inline constexpr size_t kCalibrationBins = 15, kThresholds = 101, kCurves = 20, kMostWrong = 10;

/// The names of the numbers above.
const std::vector<std::string>& ProbabilityMetricNames();

}  // namespace gemtune::train
