#pragma once

#include "gemtune/ops/attention_kernels.h"
#include "gemtune/ops/cuda_kernels.h"
#include "gemtune/ops/qkv_attention.h"

// What attention over a packed batch and over a cache have in common on a card.
namespace gemtune::ops::cuda {

/// The queries or keys x as they meet each other: the norm of each head with its weight [head_dim], then
/// rotated.
inline at::Tensor Rotated(const at::Tensor& x, const at::Tensor& weight, double eps, const RopeTable& rope,
                          const at::Tensor& positions) {
  at::Tensor y = at::empty(x.sizes(), x.options());
  Call(&kernels::cuda::Kernels::NormRopeForward, NormRopeShapeOf(x, weight.size(0), eps, rope, positions),
       ConstFloatsOf(x), x.stride(0), ConstFloatsOf(weight), FloatsOf(y), y.stride(0));
  return y;
}

/// [rows, heads · head_dim] as [rows, heads, head_dim].
inline at::Tensor Heads(const at::Tensor& x, int64_t head_dim) {
  return x.unflatten(1, {-1, head_dim});
}

}  // namespace gemtune::ops::cuda
