#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gemtune/kernels/adamw.h"
#include "gemtune/train/tensor_file.h"

namespace gemtune::train {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;  // of matrices; norm weights are never decayed, as in transformers' Trainer
};

/// AdamW on an embedding, of whose rows a step's gradient touches few. Equals AdamW on the dense gradient to
/// rounding: a row that had a gradient once goes on moving with its first moment, and every row decays. Those
/// steps are made up for when the row is wanted: before it is read (CatchUp) and before all are (CatchUpAll).
/// How often that happens changes no bit of what comes out.
/// Master weights and moments exist only for rows that ever had a gradient (with weight decay: that were ever
/// caught up), 3 fp32 numbers an element in bf16, 2 in fp32.
class RowAdamW {
 public:
  /// parameter [rows, dim], contiguous, bf16 or fp32, on the CPU.
  RowAdamW(const at::Tensor& parameter, const AdamWOptions& options);

  /// Brings the rows at `ids` (int64, in any order, repeated or not) to where they stand after the last step.
  void CatchUp(const at::Tensor& ids);
  void CatchUpAll();

  /// One step; see AdamW::Step. Takes the parameter's gradient, a sparse tensor, if it has one.
  void Step(double learning_rate, double grad_scale);

  /// Σ of the gradient's squares.
  double SumOfSquares() const;

  /// All that it knows beyond the parameter, under names that begin with `name`; views of it where it is
  /// large, good until the next step.
  std::vector<NamedTensor> State(const std::string& name) const;

  /// Goes on where `tensors`, a State, stood; the parameter is the caller's. Throws Error for what is missing
  /// or does not fit.
  void SetState(const TensorFile& tensors, const std::string& name);

  const at::Tensor& parameter() const { return parameter_; }

 private:
  struct Row {
    int64_t index;
    int64_t step = 0;         // up to and with which it is done
    int64_t last_moving = 0;  // after that step its first moment is nothing
  };

  void EnsureState(int64_t row);
  kernels::AdamWState SlotState(int64_t slot) const;
  void CatchUpSlot(int64_t slot, int64_t step);
  void RestMoments(int64_t slot, int64_t step);
  kernels::AdamWStepOptions StepOptions(int64_t step) const;

  at::Tensor parameter_;
  AdamWOptions options_;
  int64_t dim_;
  bool is_bf16_;
  int64_t tensors_;                   // a row's: master (bf16 only), exp_avg, exp_avg_sq
  int64_t moving_steps_;              // without a gradient, until the first moment is 1e-12 of what it was
  std::vector<int32_t> slot_of_row_;  // −1: none
  std::vector<Row> slots_;
  std::vector<std::unique_ptr<float[]>> chunks_;  // [kChunkRows, tensors_, dim_] each
  std::vector<double> learning_rates_;            // of every step so far
};

}  // namespace gemtune::train
