#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

/// RMSNorm over the last dimension (Zhang & Sennrich 2019, eq. 4) with Gemma's unit offset:
/// y = x / sqrt(mean(x²) + eps) · (1 + weight), computed in fp32 (double for double input), cast last; equals
/// transformers' Gemma3RMSNorm. x [..., dim]; weight [dim]; y as x. Differentiable in x and weight.
at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps);

}  // namespace gemtune::ops
