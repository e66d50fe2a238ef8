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
  int64_t max_tokens_per_batch = 4096;  // a longer example makes a batch of its own
  int64_t max_sequences_per_batch = 0;  // 0: no limit
  /// Called after every batch with the examples done so far, of how many.
  std::function<void(int64_t examples, int64_t total)> progress;
};

/// The batch's ids [T] int64, as a view that must not outlive it.
at::Tensor IdsOf(const data::PackedBatch& batch);

/// Calls `visit` with packed batches of similar length that together hold every example once, longest first,
/// without autograd.
void ForEachBatch(const data::Dataset& dataset, const PredictOptions& options,
                  const std::function<void(const data::PackedBatch&)>& visit);

/// The outputs of `forward` (batch → [B, num_labels]) for every example, in the data set's order: [N,
/// num_labels] fp32. As ForEachBatch.
at::Tensor Logits(const std::function<at::Tensor(const data::PackedBatch&)>& forward, int64_t num_labels,
                  const data::Dataset& dataset, const PredictOptions& options);

/// The classifier's outputs for every example, in the data set's order: [N, num_labels] fp32.
at::Tensor Logits(model::SequenceClassifier& model, const data::Dataset& dataset,
                  const PredictOptions& options);

/// Throws Error for logits [N, num_labels] that are not finite: naming the first such row of `dataset` (rows
/// that were skipped are counted), and what in `model` is to blame: a parameter that is not finite itself, or
/// else the sums.
void CheckFinite(const at::Tensor& logits, const data::Dataset& dataset, const torch::nn::Module& model);

/// Logits as what a reader wants: softmax for single_label_classification, sigmoid for
/// multi_label_classification, and themselves for regression. [N, num_labels] fp32 both.
at::Tensor Scores(const at::Tensor& logits, const std::string& problem_type);

}  // namespace gemtune::infer
