#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/infer/frozen_states.h"
#include "gemtune/infer/predict.h"
#include "gemtune/model/flops.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/train/trainable.h"

namespace gemtune::train {

/// What only some tasks take; a row of Tasks() names what goes with it.
struct TaskOptions {
  std::vector<std::string> label_names = {};  // in the order of their ids; empty: as found in the data
  double label_smoothing_factor = 0.0;        // in [0, 1]
  infer::PredictOptions evaluation = {};
  bool must_be_finite = false;  // Evaluate throws Error for outputs that are not, see infer::CheckFinite
};

/// What an example is and what the loss is, on a Gemma 3: the first of the two axes of everything gemtune
/// does. A task owns the model that learns it. What all tasks share is here; what makes one is the protected
/// part below, LossSum, CountTargets and Evaluate, and a row in Tasks() (tasks.h).
class Task : public Trainable {
 public:
  torch::nn::Module& module() override { return pretrained_->module(); }
  std::vector<std::string> sparse_gradients() const override { return pretrained_->sparse_gradients(); }
  void Save(const std::filesystem::path& directory) override { pretrained_->Save(directory); }
  void Restore(const std::filesystem::path& directory) override { pretrained_->Restore(directory); }
  int64_t passes() const override;
  void set_passes(int64_t passes) override;

  model::Gemma3Model& trunk() { return pretrained_->trunk(); }
  model::Pretrained& pretrained() { return *pretrained_; }

  /// Computes what the model's frozen stages give for the training data, and for the validation data if there
  /// are any (may be null), and from then on trains and evaluates on that; nothing may be frozen or unfrozen
  /// afterwards. Both data sets must outlive this. Throws RunError if the disk has no room. Returns the bytes
  /// kept, to which options.max_memory_bytes applies together.
  int64_t KeepFrozenStates(const data::Dataset& train, const data::Dataset* validation,
                           const infer::FrozenStatesOptions& options);

  /// How the model's own data is read: kinds of labels, and which there are.
  virtual void Read(data::DatasetOptions& options) const = 0;

  /// Calls `visit` with what `gemtune predict` prints for each example, in the data set's order; with the
  /// model's raw outputs if `with_logits`.
  virtual void Predict(const data::Dataset& dataset, bool with_logits,
                       const std::function<void(const nlohmann::ordered_json& line)>& visit) = 0;

  /// Operations of a training pass on the batch, see model::CountFlops.
  virtual model::PassFlops CountFlops(const data::PackedBatch& batch) = 0;

 protected:
  Task(std::unique_ptr<model::Pretrained> pretrained, TaskOptions options)
      : options_(std::move(options)), pretrained_(std::move(pretrained)) {}

  /// What the model gives for a batch of the training data, with a graph; of kept states where there are any.
  at::Tensor TrainingOutputs(const data::PackedBatch& batch);

  /// The same without a graph for batches of `dataset`, which may be any.
  std::function<at::Tensor(const data::PackedBatch&)> OutputsOn(const data::Dataset& dataset);

  const TaskOptions options_;

 private:
  /// The model on a batch: its ids → outputs; and in two parts, cut before a stage of the trunk
  /// (Gemma3Model::RunStages).
  virtual at::Tensor Outputs(const data::PackedBatch& batch) = 0;
  virtual at::Tensor StatesBefore(int64_t stage, const data::PackedBatch& batch) = 0;
  virtual at::Tensor OutputsOfStates(int64_t stage, const at::Tensor& states,
                                     const data::PackedBatch& batch) = 0;

  /// Rows of an example of so many tokens in StatesBefore.
  virtual int64_t StateRows(int64_t stage, int64_t tokens) const = 0;

  std::unique_ptr<model::Pretrained> pretrained_;
  int64_t kept_stages_ = 0;
  std::vector<infer::FrozenStates> kept_;  // of the training data, then of the validation data
};

}  // namespace gemtune::train
