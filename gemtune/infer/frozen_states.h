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
  int64_t max_memory_bytes = 0;  // of the host; more is kept in a file in `directory`
  std::filesystem::path directory = {};
};

/// The outputs of a model's frozen stages (Gemma3Model::FrozenStages) for the examples of a data set,
/// computed once; training and validation then run only the other stages. Kept where the model is, up to half
/// of what is free there, else on the host. A row is hidden_size numbers, fp32, or of the model's dtype after
/// the final norm.
class FrozenStates {
 public:
  /// Runs `compute`, the frozen stages, on all of `dataset`, which must outlive this. `compute` maps a batch
  /// to the concatenated rows of its examples, `rows`[i] for example i. Throws RunError if the disk has no
  /// room.
  FrozenStates(const data::Dataset& dataset, const std::vector<int64_t>& rows,
               const std::function<at::Tensor(const data::PackedBatch& batch)>& compute,
               const FrozenStatesOptions& options);

  /// The states of the examples of a batch, [rows, hidden_size].
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
