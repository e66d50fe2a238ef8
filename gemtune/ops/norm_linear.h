#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace gemtune::ops {

/// RmsNorm(x)·Wᵢᵀ for several W that read the same rows: q, k and v, or gate and up. One matrix product if
/// the weights lie behind one another in memory. Keeps x only; the norm is computed again on the way back. x
/// [rows, dim], the residual stream; norm_weight [dim]; weights [n_i, dim], of norm_weight's dtype, which the
/// results [rows, n_i] have too. Differentiable in x and all weights.
std::vector<at::Tensor> NormLinear(const at::Tensor& x, const at::Tensor& norm_weight, double eps,
                                   const std::vector<at::Tensor>& weights);

}  // namespace gemtune::ops
