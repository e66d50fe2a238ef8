#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gemtune/data/batcher.h"
#include "gemtune/data/dataset.h"
#include "gemtune/train/metrics.h"

namespace gemtune::train {

/// Something that can be trained: the interface through which the trainer sees a task (tasks/task.h).
class Trainable {
 public:
  virtual ~Trainable() = default;

  /// The model with its head: what is trained.
  virtual torch::nn::Module& module() = 0;

  /// Names of its parameters whose gradient may be sparse rows (ops::ScaledEmbedding's); see AdamW.
  virtual std::vector<std::string> sparse_gradients() const { return {}; }

  /// What the loss of an optimiser step is divided by, summed over its batches: the number of targets in the
  /// batch, or the sum of their weights where targets have weights.
  virtual double TargetWeight(const data::PackedBatch& batch) const = 0;

  /// Sum of the losses of all targets in the batch, each times its weight, a scalar with an autograd graph.
  virtual at::Tensor LossSum(const data::PackedBatch& batch) = 0;

  /// "loss" (mean over targets, by their weights) and the task's own metrics.
  virtual Metrics Evaluate(const data::Dataset& dataset) = 0;

  /// Writes the model so that Hugging Face libraries can load it.
  virtual void Save(const std::filesystem::path& directory) = 0;

  /// Reads back the weights that Save wrote there, bit for bit.
  virtual void Restore(const std::filesystem::path& directory) = 0;

  /// How often LossSum was called, if its result depends on that (the masks of dropout do). A resumed run
  /// continues the count.
  virtual int64_t passes() const { return 0; }
  virtual void set_passes(int64_t /*passes*/) {}
};

}  // namespace gemtune::train
