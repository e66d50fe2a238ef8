#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gemtune/infer/prediction.h"
#include "gemtune/train/tasks/tasks.h"

namespace gemtune::train {

/// A task that judges each text as a whole, as a row: what its labels are, and what follows from them.
struct SequenceKind {
  std::string task;          // --task
  std::string problem_type;  // what config.json calls it
  data::LabelKind label_kind;
  std::vector<std::string> options;   // of TaskOptions, that go with it
  std::vector<ScalarMetric> metrics;  // among those that `measure` gives, and the loss

  /// Sum of the losses: logits [N, outputs], labels [N, label_width] fp32 → a scalar.
  at::Tensor (*loss_sum)(const at::Tensor& logits, const at::Tensor& labels, const TaskOptions& options);

  /// The metrics of logits [N, outputs] against labels [N, label_width], both fp32.
  Metrics (*measure)(const at::Tensor& logits, const at::Tensor& labels,
                     const std::vector<std::string>& names);

  /// A text's line of `gemtune predict`.
  nlohmann::ordered_json (*line)(const infer::Prediction& prediction, const std::vector<std::string>& names);
};

/// Classification with one label (cross entropy), with several (binary cross entropy), and regression of
/// whatever number of outputs (squared error), as transformers' Gemma3TextForSequenceClassification.
const std::vector<SequenceKind>& SequenceKinds();

/// By `task` or by `problem_type`. Throws Error naming the known ones.
const SequenceKind& FindSequenceKind(std::string SequenceKind::*column, const std::string& value);

/// A kind of these, trained and evaluated.
class SequenceTask : public Task {
 public:
  /// Of the kind that the model's head says.
  SequenceTask(std::unique_ptr<model::PretrainedClassifier> classifier, TaskOptions options);

  int64_t CountTargets(const data::PackedBatch& batch) const override;
  at::Tensor LossSum(const data::PackedBatch& batch) override;
  Metrics Evaluate(const data::Dataset& dataset) override;
  void Read(data::DatasetOptions& options) const override;
  void Predict(const data::Dataset& dataset, bool with_logits,
               const std::function<void(const nlohmann::ordered_json& line)>& visit) override;
  model::PassFlops CountFlops(const data::PackedBatch& batch) override;

  model::PretrainedClassifier& classifier() { return classifier_; }

 private:
  at::Tensor Outputs(const data::PackedBatch& batch) override;
  at::Tensor StatesBefore(int64_t stage, const data::PackedBatch& batch) override;
  at::Tensor OutputsOfStates(int64_t stage, const at::Tensor& states,
                             const data::PackedBatch& batch) override;
  int64_t StateRows(int64_t stage, int64_t tokens) const override;
  at::Tensor LogitsOf(const data::Dataset& dataset);

  model::PretrainedClassifier& classifier_;  // what the base owns
  const SequenceKind& kind_;
};

/// The rows of Tasks() for these.
std::vector<TaskRow> SequenceTaskRows();

}  // namespace gemtune::train
