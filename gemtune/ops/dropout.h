#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace gemtune::ops {

/// Dropout (Srivastava et al. 2014) with inverted scaling, as torch.nn.functional.dropout: each number
/// becomes 0 with probability `rate` in [0, 1), else x / (1 − rate). Which numbers are dropped depends only
/// on `key` and their index, on every device, so the backward pass draws the same mask again instead of
/// keeping it. A rate of 0 gives x. x of any float dtype; not differentiable.
at::Tensor Dropout(const at::Tensor& x, double rate, uint64_t key);

/// The same as a composition of ATen calls, for any dtype and device; differentiable.
at::Tensor DropoutByAten(const at::Tensor& x, double rate, uint64_t key);

/// Combines two keys into one; the results for different pairs are unrelated.
uint64_t DropoutKey(uint64_t key, uint64_t stream);

}  // namespace gemtune::ops
