#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "gemtune/ops/projection.h"

namespace gemtune::ops {

/// Projections of RmsNorm(x) that read the same rows: q, k and v, or gate and up. One matrix product if the
/// weights lie behind one another in memory, and one for all their adapters' A. Keeps x only; the norm is
/// computed again on the way back. x [rows, dim], the residual stream; norm_weight [dim]; weights [n_i, dim],
/// of norm_weight's dtype, which the results [rows, n_i] have too. Differentiable in x, all weights and
/// adapters.
std::vector<at::Tensor> NormLinear(const at::Tensor& x, const at::Tensor& norm_weight, double eps,
                                   const std::vector<Projection>& projections);

}  // namespace gemtune::ops
