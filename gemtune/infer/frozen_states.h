#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <vector>

#include "gemtune/data/batcher.h"
#include "gemtune/data/dataset.h"
#include "gemtune/infer/predict.h"
#include "gemtune/model/heads.h"

namespace gemtune::infer {

struct FrozenStatesOptions {
  PredictOptions forward;
  int64_t max_memory_bytes = 0;  // more than that is kept in a file in `directory`
  std::filesystem::path directory = {};
};

/// What the frozen stages of a classifier (Gemma3Model::FrozenStages) give for the examples of a data set,
/// computed once: training and validation then run the other stages only. fp32 numbers, tokens ·
/// hidden_size of them; where every layer is frozen, examples · hidden_size, in the model's dtype where the
/// final norm is, too.
class FrozenStates {
 public:
  /// Runs the frozen stages on `dataset`, which must outlive this. Throws RunError if the disk has no room.
  FrozenStates(model::SequenceClassifier& model, const data::Dataset& dataset,
               const FrozenStatesOptions& options);

  /// The classifier's logits [B, num_labels] for a batch of the data set: to rounding, those of model(ids,
  /// cu_seqlens), with the same gradients.
  at::Tensor Logits(const data::PackedBatch& batch);

  const data::Dataset& dataset() const { return *dataset_; }
  int64_t bytes() const { return static_cast<int64_t>(states_.nbytes()); }

 private:
  void Keep(const data::PackedBatch& batch, const at::Tensor& states, const FrozenStatesOptions& options);

  model::SequenceClassifier model_;
  const data::Dataset* dataset_;
  int64_t stages_;
  std::vector<int64_t> row_begin_;  // [examples + 1], into states_
  at::Tensor states_;               // [rows, hidden_size]
};

}  // namespace gemtune::infer
