#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <functional>
#include <string>

#include "gemtune/data/batcher.h"
#include "gemtune/data/dataset.h"
#include "gemtune/model/heads.h"

namespace gemtune::infer {

struct PredictOptions {
  int64_t max_tokens_per_batch = 4096;  // a longer example is a batch of its own
  int64_t max_sequences_per_batch = 0;  // 0: no limit
  /// Called after every batch with the number of examples done so far and their total.
  std::function<void(int64_t examples, int64_t total)> progress;
};

/// The batch's ids [T] int64, as a view that must not outlive it.
at::Tensor IdsOf(const data::PackedBatch& batch);

/// Calls `visit`, without autograd, with packed batches that together hold every example once; a batch's
/// examples have similar lengths, and the longest come first.
void ForEachBatch(const data::Dataset& dataset, const PredictOptions& options,
                  const std::function<void(const data::PackedBatch&)>& visit);

/// The outputs of `forward` (batch → [B, num_labels]) for every example, in the data set's order: [N,
/// num_labels] fp32. Batches are those of ForEachBatch.
at::Tensor Logits(const std::function<at::Tensor(const data::PackedBatch&)>& forward, int64_t num_labels,
                  const data::Dataset& dataset, const PredictOptions& options);

/// The classifier's outputs for every example, in the data set's order: [N, num_labels] fp32.
at::Tensor Logits(model::SequenceClassifier& model, const data::Dataset& dataset,
                  const PredictOptions& options);

/// Throws Error if logits [N, num_labels] are not finite. The message names the first affected row of
/// `dataset` (counting skipped rows) and the cause in `model`: a parameter that is not finite, or else sums
/// that overflow.
void CheckFinite(const at::Tensor& logits, const data::Dataset& dataset, const torch::nn::Module& model);

}  // namespace gemtune::infer
