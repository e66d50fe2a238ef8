#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

/// GeGLU (Shazeer 2020): gelu(gate) · up with the tanh form of gelu, transformers' "gelu_pytorch_tanh". gate,
/// up and the result share one shape and dtype; computed in fp32 (double for double) and rounded at the end.
/// Differentiable in both.
at::Tensor GeGlu(const at::Tensor& gate, const at::Tensor& up);

}  // namespace gemtune::ops
