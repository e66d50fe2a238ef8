#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gemtune/ops/row_adamw_step.h"
#include "gemtune/train/optim/tensor_file.h"

namespace gemtune::train {

/// weight_decay applies to matrices; norm weights are never decayed, as in transformers' Trainer.
using ops::AdamWOptions;

/// AdamW for an embedding, where a step's gradient touches few of the rows. Equals AdamW on the dense
/// gradient up to rounding: a row that once had a gradient keeps moving by its first moment, and every row
/// decays. These steps are made up for when a row is needed: before it is read (CatchUp) and before all are
/// read (CatchUpAll). How often this happens does not change a bit of the result. Master weights and moments
/// exist only for rows that have had a gradient (with weight decay: that have been caught up): 3 fp32 numbers
/// per element in bf16, 2 in fp32.
class RowAdamW {
 public:
  /// parameter [rows, dim], contiguous, of any float dtype.
  RowAdamW(const at::Tensor& parameter, const AdamWOptions& options);

  /// Brings the rows at `ids` (int64, on the host, in any order, repetitions allowed) up to date with the
  /// last step.
  void CatchUp(const at::Tensor& ids);
  void CatchUpAll();

  /// One step; see AdamW::Step. Uses the parameter's gradient, if it has one: a sparse gradient, or a dense
  /// one, which steps all rows.
  void Step(double learning_rate, double grad_scale);

  /// The numbers of the gradient, which must exist, that are not zero: dense.
  at::Tensor GradientValues() const;

  /// The whole state besides the parameter, under names that begin with `name`. Large tensors are views,
  /// valid until the next step.
  std::vector<NamedTensor> State(const std::string& name) const;

  /// Restores `tensors`, saved from State; the caller restores the parameter. Throws Error for a tensor that
  /// is missing or does not fit.
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
  int64_t tensors_;  // per row: master (unless the parameter is its own), exp_avg, exp_avg_sq
  std::vector<int64_t> slot_of_row_;  // −1: none
  ops::AdamWRows rows_;
};

}  // namespace gemtune::train
