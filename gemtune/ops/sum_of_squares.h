#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

/// Σ x² over all numbers of a dense tensor: a scalar in fp64 on x's device, so that many of them can be added
/// up before the host waits for one. In fp32 over stretches on the CPU, in a fixed order for the same number
/// of threads. Not differentiable.
at::Tensor SumOfSquares(const at::Tensor& x);

}  // namespace gemtune::ops
