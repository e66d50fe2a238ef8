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

/// What an example is and what the loss is: the first of the two axes of everything gemtune does. The trainer
/// knows tasks only through this.
class Task {
 public:
  virtual ~Task() = default;

  /// The model with its head: what is trained.
  virtual torch::nn::Module& module() = 0;

  /// Names of its parameters whose gradient may be sparse rows (ops::ScaledEmbedding's); see AdamW.
  virtual std::vector<std::string> sparse_gradients() const { return {}; }

  /// Number of terms in the sum that LossSum gives; what the loss of an optimiser step is divided by.
  virtual int64_t CountTargets(const data::PackedBatch& batch) const = 0;

  /// Sum of the losses of all targets in the batch, with a graph to differentiate. A scalar.
  virtual at::Tensor LossSum(const data::PackedBatch& batch) = 0;

  /// "loss" (mean over targets) and the task's own metrics.
  virtual Metrics Evaluate(const data::Dataset& dataset) = 0;

  /// Writes the model so that Hugging Face loads it.
  virtual void Save(const std::filesystem::path& directory) = 0;

  /// Reads the weights back that Save wrote there, bit for bit.
  virtual void Restore(const std::filesystem::path& directory) = 0;

  /// How often LossSum was called, where that makes a difference to what it gives (the masks of dropout are
  /// drawn by it); a run that goes on goes on counting.
  virtual int64_t passes() const { return 0; }
  virtual void set_passes(int64_t /*passes*/) {}
};

}  // namespace gemtune::train
