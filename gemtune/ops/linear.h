#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

/// x·Wᵀ, as torch.nn.functional.linear without a bias. x [rows, in], weight [out, in], of one dtype; result
/// [rows, out]. Keeps x and the weight. Differentiable in both.
at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight);

}  // namespace gemtune::ops
