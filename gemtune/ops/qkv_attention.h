#pragma once

#include <ATen/core/Tensor.h>

#include "gemtune/ops/attention.h"
#include "gemtune/ops/packed_layout.h"
#include "gemtune/ops/rope.h"

namespace gemtune::ops {

struct QkNorm {
  at::Tensor q_weight, k_weight;  // [head_dim]
  double eps = 1e-6;
};

/// Gemma 3's attention after the projections: Attention(NormRope(q), NormRope(k), v). Keeps the unmodified q,
/// k, v, the result and the log-sum-exp of each row; the backward pass normalises and rotates again. q [R,
/// heads · head_dim], rows as in `layout`; k, v [T, kv_heads · head_dim]; rows may be any distance apart.
/// Result [R, heads · head_dim]. One dtype. Differentiable in q, k, v and the norms' weights.
at::Tensor QkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const QkNorm& norm,
                        const RopeTable& rope, const PackedLayout& layout, const AttentionOptions& options);

}  // namespace gemtune::ops
