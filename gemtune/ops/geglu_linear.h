#pragma once

#include <ATen/core/Tensor.h>

#include "gemtune/ops/projection.h"

namespace gemtune::ops {

/// The projection of GeGlu(gate, up), the second half of Gemma's MLP. Keeps gate and up; the backward pass
/// recomputes their product. gate, up [rows, width], fastest if they are side by side as ops::NormLinear
/// returns them; weight [dim, width]; result [rows, dim]; one dtype. Differentiable in gate, up, the weight
/// and its adapter.
at::Tensor GeGluLinear(const at::Tensor& gate, const at::Tensor& up, const Projection& projection);

}  // namespace gemtune::ops
