#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/infer/prediction.h"
#include "gemtune/ops/cross_entropy.h"
#include "gemtune/train/tasks/tasks.h"

namespace gemtune::train {

/// A kind of task that judges each text as a whole, as a row of a table: its labels and what follows from
/// them.
struct SequenceKind {
  std::string task;          // --task
  std::string problem_type;  // its name in config.json
  data::LabelKind label_kind;
  std::vector<std::string> options;   // the fields of TaskOptions that it uses
  std::vector<ScalarMetric> metrics;  // the loss, and those from `measure` that are one number

  /// Sum of the losses: logits [N, outputs], labels [N, label_width] fp32 → a scalar.
  at::Tensor (*loss_sum)(const at::Tensor& logits, const at::Tensor& labels,
                         const ops::ClassLossOptions& weighing);

  /// The metrics of logits [N, outputs] for labels [N, label_width], both fp32.
  Metrics (*measure)(const at::Tensor& logits, const at::Tensor& labels, const model::ClassifierHead& head,
                     double min_score);

  /// The line of `gemtune predict` for a text.
  nlohmann::ordered_json (*line)(const infer::Prediction& prediction, const model::ClassifierHead& head,
                                 const TaskOptions& options);

  /// Throws Error if the validation data is none to fit a temperature or thresholds to.
  void (*check_fit)(const data::Dataset& validation, const TaskOptions& options);

  /// See Task::FitDecisions; sets what it finds in the head.
  Metrics (*fit)(const at::Tensor& logits, const at::Tensor& labels, const TaskOptions& options,
                 model::ClassifierHead& head);
};

/// Classification with one label (cross entropy), with several (binary cross entropy), and regression with
/// any number of outputs (squared error), as transformers' Gemma3TextForSequenceClassification.
const std::vector<SequenceKind>& SequenceKinds();

/// By `task` or by `problem_type`. Throws Error naming the known ones.
const SequenceKind& FindSequenceKind(std::string SequenceKind::*column, const std::string& value);

}  // namespace gemtune::train
