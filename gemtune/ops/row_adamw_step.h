#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gemtune/ops/adamw_step.h"

namespace gemtune::ops {

constexpr int64_t kRowsAChunk = 1024;

/// Some rows of a parameter, and AdamW's state for each. A row's index in `rows` is its slot.
struct AdamWRows {
  struct Row {
    int64_t index;            // row of the parameter
    int64_t step = 0;         // the last step that has been applied
    int64_t last_moving = 0;  // after this step its first moment is negligible
  };

  at::Tensor parameter;  // [rows, dim], contiguous
  AdamWOptions options;
  int64_t moving_steps;                // steps without a gradient until a first moment is negligible
  std::vector<double> learning_rates;  // of every step so far
  std::vector<Row> rows;
  /// For each kRowsAChunk slots a tensor [kRowsAChunk, 2 or 3, dim] in ComputeType(parameter): master (if the
  /// parameter has another dtype), exp_avg, exp_avg_sq.
  std::vector<at::Tensor> chunks;
  /// On a card: what its kernel needs of every step so far, kept there.
  at::Tensor paces;
  int64_t num_paces = 0;

  int64_t step() const { return static_cast<int64_t>(learning_rates.size()); }
};

/// Applies the steps up to `step` that rows missed, all without a gradient, one by one, so that the result
/// has the same bits however often rows are caught up in between. Once the first moment is negligible, a step
/// only decays the parameter and the second moment, which is not read before the next gradient. `slots` are
/// distinct.
void CatchUpRows(AdamWRows& rows, std::span<const int64_t> slots, int64_t step);

/// rows.step() with gradients grads [slots, dim] times grad_scale, after catching the rows up.
void StepRows(AdamWRows& rows, std::span<const int64_t> slots, const at::Tensor& grads, double grad_scale);

}  // namespace gemtune::ops
