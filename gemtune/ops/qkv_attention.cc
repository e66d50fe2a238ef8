#include "gemtune/ops/qkv_attention.h"

#include <ATen/ATen.h>

#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

at::Tensor QkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const QkNorm& norm,
                        const RopeTable& rope, const PackedLayout& layout, const AttentionOptions& options) {
  if (cpu::Handles(q)) return cpu::QkvAttention(q, k, v, norm, rope, layout, options);
  if (cuda::CanAttend(q, norm.q_weight.size(0)))
    return cuda::QkvAttention(q, k, v, norm, rope, layout, options);
  const auto heads = [&](const at::Tensor& x) { return x.unflatten(1, {-1, norm.q_weight.size(0)}); };
  const at::Tensor rotated_q = NormRope(heads(q), norm.q_weight, norm.eps, rope, layout.row_positions);
  const at::Tensor rotated_k = NormRope(heads(k), norm.k_weight, norm.eps, rope, layout.positions);
  return Attention(rotated_q, rotated_k, heads(v), layout, options).flatten(1);
}

}  // namespace gemtune::ops
