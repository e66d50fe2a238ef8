#include "gemtune/train/tasks/sequence_kind.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <span>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/ops/host_memory.h"
#include "gemtune/train/calibration.h"
#include "gemtune/train/probability_metrics.h"

namespace gemtune::train {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

// All numbers stand before the tables.
Metrics Joined(const std::vector<Metrics>& parts) {
  Metrics joined;
  for (const bool is_table : {false, true}) {
    for (const Metrics& part : parts) {
      for (const auto& [name, value] : part.items()) {
        if (value.is_structured() == is_table) joined[name] = value;
      }
    }
  }
  return joined;
}

std::vector<ScalarMetric> WithProbabilities(std::vector<ScalarMetric> metrics) {
  for (const std::string& name : ProbabilityMetricNames())
    metrics.push_back({name, name == "auroc" || name == "average_precision"});
  return metrics;
}

// Scores that count for nothing below --min-score: how many are left, and how many of those are right.
class Covered {
 public:
  explicit Covered(double min_score) : min_score_(min_score) {}

  void Add(double score, bool is_right) {
    ++all_;
    if (score < min_score_) return;
    ++covered_;
    right_ += is_right ? 1 : 0;
  }
  void AddTo(Metrics& metrics) const {
    if (min_score_ == 0) return;
    metrics["coverage"] = covered_ / all_;
    metrics["covered_accuracy"] = covered_ > 0 ? Metrics(right_ / covered_) : Metrics(nullptr);
  }

 private:
  double min_score_, all_ = 0, covered_ = 0, right_ = 0;
};

// What the temperature changes, without it.
Metrics Uncalibrated(const Metrics& raw) {
  Metrics metrics = Metrics::object();
  for (const char* name : {"log_loss", "expected_calibration_error"})
    metrics[fmt::format("uncalibrated_{}", name)] = raw[name];
  return metrics;
}

// Of the validation data before and after.
Metrics FittedTemperature(double temperature, const Metrics& before, const Metrics& after) {
  if (temperature < 1.01 * kTemperatures.least || temperature > 0.99 * kTemperatures.most)
    log::Warning(
        "the temperature {:.3g} is at the end of its range: the validation data says little about it",
        temperature);
  Metrics fitted = {{"temperature", temperature}};
  for (const char* name : {"log_loss", "expected_calibration_error"})
    fitted[name] = {{"before", before[name]}, {"after", after[name]}};
  return fitted;
}

// {name: score}, of the highest `top_k` in their order, or of all in that of the ids.
Json ScoreTable(const infer::Prediction& prediction, const Names& names, int64_t top_k) {
  std::vector<size_t> ids(names.size());
  std::iota(ids.begin(), ids.end(), size_t{0});
  if (top_k > 0) {
    std::ranges::stable_sort(ids, std::ranges::greater(), [&](size_t id) { return prediction.scores[id]; });
    ids.resize(std::min(ids.size(), static_cast<size_t>(top_k)));
  }
  Json table = Json::object();
  for (const size_t id : ids) table[names[id]] = prediction.scores[id];
  return table;
}

// One class per example.

at::Tensor SingleLabelLoss(const at::Tensor& logits, const at::Tensor& labels,
                           const ops::ClassLossOptions& weighing) {
  return ops::CrossEntropySum(logits, labels.squeeze(-1).to(at::kLong), weighing);
}

Metrics SingleLabelProbabilities(const at::Tensor& logits, const std::vector<int64_t>& targets,
                                 const Names& names) {
  return ProbabilityMetrics(ops::HostValues<float>(logits), targets, names);
}

Metrics MeasureSingleLabel(const at::Tensor& logits, const at::Tensor& labels,
                           const model::ClassifierHead& head, double min_score) {
  const Names& names = head.label_names;
  const at::Tensor target = labels.squeeze(-1).to(at::kLong), prediction = logits.argmax(-1);
  const auto targets = ops::HostValues<int64_t>(target), predictions = ops::HostValues<int64_t>(prediction);
  Metrics metrics = SingleLabelMetrics(targets, predictions, names);
  if (names.size() < 2) return metrics;
  const at::Tensor calibrated = logits / head.temperature;
  Covered covered(min_score);
  const at::Tensor best = at::softmax(calibrated, -1).amax(-1);
  const auto scores = ops::HostValues<float>(best);
  for (size_t i = 0; i < targets.size(); ++i) covered.Add(scores[i], targets[i] == predictions[i]);
  covered.AddTo(metrics);
  const std::vector<int64_t> ids(targets.begin(), targets.end());
  std::vector<Metrics> parts = {metrics, SingleLabelProbabilities(calibrated, ids, names)};
  if (head.temperature != 1) parts.push_back(Uncalibrated(SingleLabelProbabilities(logits, ids, names)));
  return Joined(parts);
}

Json SingleLabelLine(const infer::Prediction& prediction, const model::ClassifierHead& head,
                     const TaskOptions& options) {
  return {{"label", prediction.score < options.min_score ? Json() : Json(prediction.label)},
          {"score", prediction.score},
          {"scores", ScoreTable(prediction, head.label_names, options.top_k)}};
}

void CheckSingleLabelFit(const data::Dataset& validation, const TaskOptions& options) {
  if (!options.calibrate) return;
  for (int64_t i = 1; i < validation.size(); ++i) {
    if (validation.label(i)[0] != validation.label(0)[0]) return;
  }
  Fail("`calibrate`: all {} validation examples are of one class, '{}', which says nothing about scores",
       validation.size(), validation.labels().names[static_cast<size_t>(validation.label(0)[0])]);
}

Metrics FitSingleLabel(const at::Tensor& logits, const at::Tensor& labels, const TaskOptions& options,
                       model::ClassifierHead& head) {
  if (!options.calibrate) return nullptr;
  const at::Tensor target = labels.squeeze(-1).to(at::kLong);
  const auto values = ops::HostValues<int64_t>(target);
  const std::vector<int64_t> targets(values.begin(), values.end());
  head.temperature = FitTemperature(ops::HostValues<float>(logits), targets, head.label_names.size());
  return FittedTemperature(head.temperature, SingleLabelProbabilities(logits, targets, head.label_names),
                           SingleLabelProbabilities(logits / head.temperature, targets, head.label_names));
}

// Any number of classes per example.

at::Tensor MultiLabelLoss(const at::Tensor& logits, const at::Tensor& labels,
                          const ops::ClassLossOptions& weighing) {
  return ops::BinaryCrossEntropySum(logits, labels, weighing);
}

Metrics MultiLabelProbabilities(const at::Tensor& logits, std::span<const uint8_t> targets,
                                const Names& names) {
  return MultiLabelProbabilityMetrics(ops::HostValues<float>(logits), targets, names);
}

at::Tensor ThresholdsOf(const model::ClassifierHead& head) {
  at::Tensor thresholds = at::empty({std::ssize(head.label_names)}, at::kFloat);
  const auto out = ops::HostValues<float>(thresholds);
  for (size_t id = 0; id < out.size(); ++id) out[id] = static_cast<float>(head.Threshold(id));
  return thresholds;
}

Metrics MeasureMultiLabel(const at::Tensor& logits, const at::Tensor& labels,
                          const model::ClassifierHead& head, double min_score) {
  const Names& names = head.label_names;
  const at::Tensor calibrated = logits / head.temperature, score = at::sigmoid(calibrated);
  const at::Tensor target = labels.to(at::kByte), prediction = (score > ThresholdsOf(head)).to(at::kByte);
  const auto targets = ops::HostValues<uint8_t>(target), predictions = ops::HostValues<uint8_t>(prediction);
  Metrics metrics = MultiLabelMetrics(targets, predictions, names);
  Covered covered(min_score);
  const auto scores = ops::HostValues<float>(score);
  for (size_t i = 0; i < targets.size(); ++i)
    covered.Add(std::max(scores[i], 1 - scores[i]), targets[i] == predictions[i]);
  covered.AddTo(metrics);
  std::vector<Metrics> parts = {metrics, MultiLabelProbabilities(calibrated, targets, names)};
  if (head.temperature != 1) parts.push_back(Uncalibrated(MultiLabelProbabilities(logits, targets, names)));
  return Joined(parts);
}

Json MultiLabelLine(const infer::Prediction& prediction, const model::ClassifierHead& head,
                    const TaskOptions& options) {
  const Names& names = head.label_names;
  const auto is_decided = [&](size_t id) {
    return std::max(prediction.scores[id], 1 - prediction.scores[id]) >= options.min_score;
  };
  Json given = Json::array(), undecided = Json::array();
  for (size_t id = 0; id < names.size(); ++id) {
    if (!is_decided(id)) {
      undecided.push_back(names[id]);
    } else if (prediction.scores[id] > head.Threshold(id)) {
      given.push_back(names[id]);
    }
  }
  Json line = {{"labels", given}, {"scores", ScoreTable(prediction, names, options.top_k)}};
  if (options.min_score > 0) line["undecided"] = undecided;
  return line;
}

void CheckMultiLabelFit(const data::Dataset& validation, const TaskOptions& options) {
  const Names& names = validation.labels().names;
  std::vector<int64_t> counts(names.size());
  for (int64_t i = 0; i < validation.size(); ++i) {
    const auto label = validation.label(i);
    for (size_t c = 0; c < names.size(); ++c) counts[c] += label[c] != 0 ? 1 : 0;
  }
  Names unseen;
  bool says_anything = false;
  for (size_t c = 0; c < names.size(); ++c) {
    if (counts[c] == 0) unseen.push_back(names[c]);
    says_anything |= counts[c] > 0 && counts[c] < validation.size();
  }
  if (!options.tune_thresholds.empty() && !unseen.empty())
    Fail("`tune_thresholds`: no validation example has {}; a threshold needs some", Listed(unseen));
  if (options.calibrate && !says_anything)
    Fail("`calibrate`: all {} validation examples have the same labels, which says nothing about scores",
         validation.size());
}

Metrics FitMultiLabel(const at::Tensor& logits, const at::Tensor& labels, const TaskOptions& options,
                      model::ClassifierHead& head) {
  const at::Tensor target = labels.to(at::kByte);
  const auto targets = ops::HostValues<uint8_t>(target);
  Metrics fitted;
  if (options.calibrate) {
    head.temperature = FitTemperature(ops::HostValues<float>(logits), std::span<const uint8_t>(targets));
    fitted = FittedTemperature(head.temperature, MultiLabelProbabilities(logits, targets, head.label_names),
                               MultiLabelProbabilities(logits / head.temperature, targets, head.label_names));
  }
  if (options.tune_thresholds.empty()) return fitted;
  const ThresholdGoal goal = ThresholdGoal::Parse(options.tune_thresholds);
  const at::Tensor scores = at::sigmoid(logits / head.temperature);
  Names missed;
  head.thresholds.clear();
  for (size_t c = 0; c < head.label_names.size(); ++c) {
    const auto column = static_cast<int64_t>(c);
    const at::Tensor its_scores = scores.select(1, column).contiguous(),
                     its_targets = target.select(1, column).contiguous();
    const Threshold found =
        FindThreshold(ops::HostValues<float>(its_scores), ops::HostValues<uint8_t>(its_targets), goal);
    head.thresholds.push_back(found.value);
    if (!found.is_reached) missed.push_back(head.label_names[c]);
    fitted["thresholds"][head.label_names[c]] = {{"threshold", found.value},
                                                 {"precision", found.precision},
                                                 {"recall", found.recall},
                                                 {"f1", found.f1}};
  }
  if (!missed.empty())
    log::Warning("no threshold reaches {} on the validation data for {}; theirs come nearest",
                 options.tune_thresholds, Listed(missed));
  return fitted;
}

// Regression.

at::Tensor RegressionLoss(const at::Tensor& logits, const at::Tensor& labels,
                          const ops::ClassLossOptions& weighing) {
  const at::Tensor numbers = logits.to(at::kFloat);
  if (!weighing.row_weights.defined()) return at::mse_loss(numbers, labels, at::Reduction::Sum);
  return (at::mse_loss(numbers, labels, at::Reduction::None) * weighing.row_weights.unsqueeze(-1)).sum();
}

Metrics MeasureRegression(const at::Tensor& logits, const at::Tensor& labels,
                          const model::ClassifierHead& head, double) {
  return RegressionMetrics(ops::HostValues<float>(labels), ops::HostValues<float>(logits),
                           head.label_names.size());
}

Json RegressionLine(const infer::Prediction& prediction, const model::ClassifierHead&, const TaskOptions&) {
  if (prediction.scores.size() == 1) return {{"value", prediction.scores.front()}};
  return {{"values", prediction.scores}};
}

}  // namespace

const std::vector<SequenceKind>& SequenceKinds() {
  static const std::vector<SequenceKind> kinds = {
      {.task = "classification",
       .problem_type = "single_label_classification",
       .label_kind = data::LabelKind::kSingle,
       .options = {"label_names", "label_smoothing_factor", "class_weights", "focal_gamma", "calibrate",
                   "min_score", "top_k"},
       .metrics = WithProbabilities({{"loss", false}, {"accuracy", true}, {"macro_f1", true}}),
       .loss_sum = SingleLabelLoss,
       .measure = MeasureSingleLabel,
       .line = SingleLabelLine,
       .check_fit = CheckSingleLabelFit,
       .fit = FitSingleLabel},
      {.task = "multi-label",
       .problem_type = "multi_label_classification",
       .label_kind = data::LabelKind::kMultiLabel,
       .options = {"label_names", "class_weights", "focal_gamma", "calibrate", "tune_thresholds", "min_score",
                   "top_k"},
       .metrics =
           WithProbabilities({{"loss", false}, {"accuracy", true}, {"micro_f1", true}, {"macro_f1", true}}),
       .loss_sum = MultiLabelLoss,
       .measure = MeasureMultiLabel,
       .line = MultiLabelLine,
       .check_fit = CheckMultiLabelFit,
       .fit = FitMultiLabel},
      {.task = "regression",
       .problem_type = "regression",
       .label_kind = data::LabelKind::kRegression,
       .options = {},
       .metrics = {{"loss", false}, {"mse", false}, {"mae", false}, {"pearson", true}},
       .loss_sum = RegressionLoss,
       .measure = MeasureRegression,
       .line = RegressionLine,
       .check_fit = nullptr,  // nothing to fit
       .fit = nullptr},
  };
  return kinds;
}

const SequenceKind& FindSequenceKind(std::string SequenceKind::*column, const std::string& value) {
  Names known;
  for (const SequenceKind& kind : SequenceKinds()) {
    if (kind.*column == value) return kind;
    known.push_back(kind.*column);
  }
  Fail("{} '{}' is not known; known: {}", column == &SequenceKind::task ? "task" : "problem_type",
       Printable(value), fmt::join(known, ", "));
}

}  // namespace gemtune::train
