#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gemtune/ops/row_adamw_step.h"
#include "gemtune/train/optim/tensor_file.h"

namespace gemtune::train {

/// Its weight_decay is of matrices; norm weights are never decayed, as in transformers' Trainer.
using ops::AdamWOptions;

/// AdamW on an embedding, of whose rows a step's gradient touches few. Equals AdamW on the dense gradient to
/// rounding: a row that had a gradient once goes on moving with its first moment, and every row decays. Those
/// steps are made up for when the row is wanted: before it is read (CatchUp) and before all are (CatchUpAll).
/// How often that happens changes no bit of what comes out.
/// Master weights and moments exist only for rows that ever had a gradient (with weight decay: that were ever
/// caught up), 3 fp32 numbers an element in bf16, 2 in fp32.
class RowAdamW {
 public:
  /// parameter [rows, dim], contiguous, of any float dtype.
  RowAdamW(const at::Tensor& parameter, const AdamWOptions& options);

  /// Brings the rows at `ids` (int64, on the host, in any order, repeated or not) to where they stand after
  /// the last step.
  void CatchUp(const at::Tensor& ids);
  void CatchUpAll();

  /// One step; see AdamW::Step. Takes the parameter's gradient, if it has one: sparse, or dense, which all
  /// rows are stepped by.
  void Step(double learning_rate, double grad_scale);

  /// Σ of the squares of the gradient, which is there: see ops::SumOfSquares.
  at::Tensor SumOfSquares() const;

  /// All that it knows beyond the parameter, under names that begin with `name`; views of it where it is
  /// large, good until the next step.
  std::vector<NamedTensor> State(const std::string& name) const;

  /// Goes on where `tensors`, a State, stood; the parameter is the caller's. Throws Error for what is missing
  /// or does not fit.
  void SetState(const TensorFile& tensors, const std::string& name);

  const at::Tensor& parameter() const { return rows_.parameter; }

 private:
  struct Gradient {
    std::vector<int64_t> rows;
    at::Tensor values;  // [rows, dim]
  };

  std::vector<int64_t> EnsureSlots(std::span<const int64_t> rows);
  void FillSlots(int64_t begin);
  void CatchUpRows(const std::vector<int64_t>& rows);
  Gradient TakeGradient() const;
  at::Tensor Filled(size_t chunk) const;

  at::ScalarType state_dtype_;
  int64_t tensors_;                   // a row's: master (where it is not the parameter), exp_avg, exp_avg_sq
  std::vector<int64_t> slot_of_row_;  // −1: none
  ops::AdamWRows rows_;
};

}  // namespace gemtune::train
