#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

/// Σ x² over all numbers of dense tensors, at least one, on one device: a scalar in fp64 there, so that more
/// can be added before the host waits for it. Partial sums are in fp32, in an order that depends only on the
/// number of threads, on a card only on the sizes. Not differentiable.
at::Tensor SumOfSquares(at::TensorList tensors);

}  // namespace gemtune::ops
