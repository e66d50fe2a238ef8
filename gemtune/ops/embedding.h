#pragma once

#include <ATen/core/Tensor.h>

#include "gemtune/ops/block_rows.h"

namespace gemtune::ops {

/// Rows of `weight` at `ids`, times `scale` rounded to the weight's dtype (as in transformers'
/// Gemma3TextScaledWordEmbedding: √hidden_size is a bf16 number in a bf16 model). weight [vocab, dim]; ids
/// [T] int64, all in range; result [T, dim] fp32 (double for double): the start of the residual stream.
/// Differentiable in weight. Where there are kernels (HasKernels) its gradient is sparse (a coalesced COO
/// tensor of the rows in `ids`), because a batch touches a few thousand of 262,144 rows; elsewhere it is
/// dense.
at::Tensor ScaledEmbedding(const at::Tensor& weight, const at::Tensor& ids, double scale);

/// The same for a frozen table held in blocks. Its numbers and the scale are rounded to `dtype`, fp32 or
/// bf16.
at::Tensor ScaledEmbedding(const BlockRows& table, const at::Tensor& ids, double scale, at::ScalarType dtype);

}  // namespace gemtune::ops
