#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <vector>

#include "gemtune/data/batcher.h"
#include "gemtune/data/dataset.h"
#include "gemtune/infer/predict.h"

namespace gemtune::infer {

struct FrozenStatesOptions {
  PredictOptions forward;
  int64_t max_memory_bytes = 0;  // more than that is kept in a file in `directory`
  std::filesystem::path directory = {};
};

/// What the frozen stages of a model (Gemma3Model::FrozenStages) give for the examples of a data set,
/// computed once: training and validation then run the other stages only. hidden_size fp32 numbers a row, or
/// of the model's dtype behind its final norm.
class FrozenStates {
 public:
  /// Runs `compute`, the frozen stages, on all of `dataset`, which must outlive this: a batch → the rows of
  /// its examples one behind the other, `rows`[i] of example i. Throws RunError if the disk has no room.
  FrozenStates(const data::Dataset& dataset, const std::vector<int64_t>& rows,
               const std::function<at::Tensor(const data::PackedBatch& batch)>& compute,
               const FrozenStatesOptions& options);

  /// What was computed for the examples of a batch, [rows, hidden_size].
  at::Tensor States(const data::PackedBatch& batch) const;

  const data::Dataset& dataset() const { return *dataset_; }
  int64_t bytes() const { return static_cast<int64_t>(states_.nbytes()); }

 private:
  void Keep(const data::PackedBatch& batch, const at::Tensor& states, const FrozenStatesOptions& options);

  const data::Dataset* dataset_;
  std::vector<int64_t> row_begin_;  // [examples + 1], into states_
  at::Tensor states_;               // [rows, hidden_size]
};

}  // namespace gemtune::infer
