#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gemtune/train/tasks/sequence_kind.h"
#include "gemtune/train/tasks/tasks.h"

namespace gemtune::train {

/// Trains and evaluates a model of one of these kinds.
class SequenceTask : public Task {
 public:
  /// The model's head determines the kind.
  /// `class_weights` are ClassWeights', by id.
  SequenceTask(std::unique_ptr<model::PretrainedClassifier> classifier, TaskOptions options,
               const std::vector<double>& class_weights = {});

  double TargetWeight(const data::PackedBatch& batch) const override;
  at::Tensor LossSum(const data::PackedBatch& batch) override;
  Metrics Evaluate(const data::Dataset& dataset) override;
  Metrics FitDecisions(const data::Dataset& validation) override;
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
  double WeightOf(std::span<const float> labels, std::span<const float> row_weights) const;
  ops::ClassLossOptions Weighing(std::span<const float> row_weights, const at::Device& device) const;

  model::PretrainedClassifier& classifier_;  // owned by the base class
  const SequenceKind& kind_;
  at::Tensor class_weights_;  // [classes] fp32 on the host; undefined: all 1
};

/// Opens a model of whichever kind, see TaskRow::open.
std::unique_ptr<Task> OpenSequenceTask(const std::filesystem::path& path, const TaskOptions& task,
                                       const model::LoadOptions& load,
                                       const std::filesystem::path& base_model);

/// The rows of Tasks() for these kinds.
std::vector<TaskRow> SequenceTaskRows();

}  // namespace gemtune::train
