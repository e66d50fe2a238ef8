#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

/// Σ x² over all numbers of a dense tensor: a scalar in fp64 on x's device, so that many can be added before
/// the host waits for one. On the CPU, partial sums are in fp32, in an order that depends only on the number
/// of threads. Not differentiable.
at::Tensor SumOfSquares(const at::Tensor& x);

}  // namespace gemtune::ops
