#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gemtune/ops/adamw_step.h"

namespace gemtune::ops {

constexpr int64_t kRowsAChunk = 1024;

/// Some rows of a parameter, and what AdamW keeps of each. A row's place in `rows` is its slot.
struct AdamWRows {
  struct Row {
    int64_t index;            // in the parameter
    int64_t step = 0;         // up to and with which it is done
    int64_t last_moving = 0;  // after that step its first moment is nothing
  };

  at::Tensor parameter;  // [rows, dim], contiguous
  AdamWOptions options;
  int64_t moving_steps;                // without a gradient, until a first moment is nothing
  std::vector<double> learning_rates;  // of every step so far
  std::vector<Row> rows;
  /// Of each kRowsAChunk slots [kRowsAChunk, 2 or 3, dim] in ComputeType(parameter): master (where the
  /// parameter is of another dtype), exp_avg, exp_avg_sq.
  std::vector<at::Tensor> chunks;

  int64_t step() const { return static_cast<int64_t>(learning_rates.size()); }
};

/// The steps up to `step` that rows missed, none of which had a gradient, made up for one by one, so that it
/// does not matter how often that is done in between: no bit of what comes out changes. When the first moment
/// has shrunk to nothing, what is left of a step is the decay of the parameter, and that of the second
/// moment, which nobody reads before the next gradient. slots: different ones.
void CatchUpRows(AdamWRows& rows, std::span<const int64_t> slots, int64_t step);

/// rows.step() with gradients grads [slots, dim] times grad_scale, after what they missed before it.
void StepRows(AdamWRows& rows, std::span<const int64_t> slots, const at::Tensor& grads, double grad_scale);

}  // namespace gemtune::ops
