#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

/// GeGlu(gate, up)·Wᵀ, the second half of Gemma's MLP. Keeps gate and up; their product is computed again on
/// the way back. gate, up [rows, width], best lying side by side as ops::NormLinear leaves them; weight [dim,
/// width]; result [rows, dim]; one dtype. Differentiable in all three.
at::Tensor GeGluLinear(const at::Tensor& gate, const at::Tensor& up, const at::Tensor& weight);

}  // namespace gemtune::ops
