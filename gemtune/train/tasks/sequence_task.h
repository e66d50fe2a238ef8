#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gemtune/infer/prediction.h"
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
  at::Tensor (*loss_sum)(const at::Tensor& logits, const at::Tensor& labels, const TaskOptions& options);

  /// The metrics of logits [N, outputs] for labels [N, label_width], both fp32.
  Metrics (*measure)(const at::Tensor& logits, const at::Tensor& labels,
                     const std::vector<std::string>& names);

  /// The line of `gemtune predict` for a text.
  nlohmann::ordered_json (*line)(const infer::Prediction& prediction, const std::vector<std::string>& names);
};

/// Classification with one label (cross entropy), with several (binary cross entropy), and regression with
/// any number of outputs (squared error), as transformers' Gemma3TextForSequenceClassification.
const std::vector<SequenceKind>& SequenceKinds();

/// By `task` or by `problem_type`. Throws Error naming the known ones.
const SequenceKind& FindSequenceKind(std::string SequenceKind::*column, const std::string& value);

/// Trains and evaluates a model of one of these kinds.
class SequenceTask : public Task {
 public:
  /// The model's head determines the kind.
  SequenceTask(std::unique_ptr<model::PretrainedClassifier> classifier, TaskOptions options);

  int64_t CountTargets(const data::PackedBatch& batch) const override;
  at::Tensor LossSum(const data::PackedBatch& batch) override;
  Metrics Evaluate(const data::Dataset& dataset) override;
  void Read(data::DatasetOptions& options) const override;
  void Predict(const data::Dataset& dataset, bool with_logits,
               const std::function<void(const nlohmann::ordered_json& line)>& visit) override;
  Explained ExplainText(Explain explain, std::span<const int32_t> ids,
                        const infer::ExplainOptions& options) override;
  model::PassFlops CountFlops(const data::PackedBatch& batch) override;

  model::PretrainedClassifier& classifier() { return classifier_; }
  const SequenceKind& kind() const { return kind_; }

 private:
  at::Tensor Outputs(const data::PackedBatch& batch) override;
  at::Tensor StatesBefore(int64_t stage, const data::PackedBatch& batch) override;
  at::Tensor OutputsOfStates(int64_t stage, const at::Tensor& states,
                             const data::PackedBatch& batch) override;
  int64_t StateRows(int64_t stage, const data::Dataset& dataset, int64_t example) const override;
  at::Tensor LogitsOf(const data::Dataset& dataset);

  model::PretrainedClassifier& classifier_;  // owned by the base class
  const SequenceKind& kind_;
};

/// Opens a model of whichever kind, see TaskRow::open.
std::unique_ptr<Task> OpenSequenceTask(const std::filesystem::path& path, const TaskOptions& task,
                                       const model::LoadOptions& load,
                                       const std::filesystem::path& base_model);

/// The rows of Tasks() for these kinds.
std::vector<TaskRow> SequenceTaskRows();

}  // namespace gemtune::train
