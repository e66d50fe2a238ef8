#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "gemtune/ops/projection.h"

namespace gemtune::ops {

/// Projections of RmsNorm(x) that read the same rows: q, k and v, or gate and up. One matrix product if the
/// weights are adjacent in memory, and one for all adapters' A. Keeps only x; the backward pass recomputes
/// the norm. x [rows, dim], the residual stream; norm_weight [dim]; weights [n_i, dim], of norm_weight's
/// dtype; the results [rows, n_i] have it too. Differentiable in x, all weights and adapters.
std::vector<at::Tensor> NormLinear(const at::Tensor& x, const at::Tensor& norm_weight, double eps,
                                   const std::vector<Projection>& projections);

}  // namespace gemtune::ops
