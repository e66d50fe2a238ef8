#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "gemtune/ops/packed_layout.h"

namespace gemtune::ops {

struct AttentionOptions {
  double scale = 1.0;  // factor on the scores, before the softmax
  int64_t window = 0;  // keys that a query sees, including its own (sliding window); 0: all up to its own
};

/// Causal attention within each sequence of a packed batch, grouped heads (Ainslie et al. 2023): query head h
/// reads key head h / (heads / kv_heads). A query at position p sees keys at positions (p − window, p]. q [R,
/// heads, head_dim], rows as `layout` says; k, v [T, kv_heads, head_dim]; result [R, heads, head_dim].
/// Softmax in fp32 (double for double). Differentiable in q, k, v.
at::Tensor Attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const PackedLayout& layout, const AttentionOptions& options);

}  // namespace gemtune::ops
