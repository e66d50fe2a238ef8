#pragma once

#include <ATen/ATen.h>

#include "gemtune/kernels/attention.h"
#include "gemtune/ops/attention_kernels.h"
#include "gemtune/ops/kernel_access.h"
#include "gemtune/ops/qkv_attention.h"

// What attention over a packed batch and over a cache have in common on the CPU.
namespace gemtune::ops::cpu {

inline kernels::ConstRows ConstRowsOf(const at::Tensor& x) {
  return {ConstFloatsOf(x), x.stride(0)};
}
inline kernels::Rows RowsOf(const at::Tensor& x) {
  return {FloatsOf(x), x.stride(0)};
}

/// The queries or keys x as they meet each other: the norm of each head with its weight [head_dim], then
/// rotated.
inline at::Tensor Rotated(const at::Tensor& x, const at::Tensor& weight, double eps, const RopeTable& rope,
                          const at::Tensor& positions) {
  at::Tensor y = at::empty(x.sizes(), x.options());
  kernels::NormRopeForward(NormRopeShapeOf(x, weight.size(0), eps, rope, positions), ConstFloatsOf(x),
                           x.stride(0), ConstFloatsOf(weight), FloatsOf(y), y.stride(0));
  return y;
}

/// Points into the layout.
inline kernels::AttentionShape AttentionShapeOf(const PackedLayout& layout, const AttentionOptions& options,
                                                int64_t heads, int64_t kv_heads, int64_t head_dim) {
  return {.num_sequences = layout.num_sequences(),
          .cu_seqlens = layout.cu_seqlens.data(),
          .cu_rows = layout.cu_rows.data(),
          .row_positions = layout.row_positions.const_data_ptr<int64_t>(),
          .heads = heads,
          .kv_heads = kv_heads,
          .head_dim = head_dim,
          .scale = static_cast<float>(options.scale),
          .window = options.window};
}

}  // namespace gemtune::ops::cpu
