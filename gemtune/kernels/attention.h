#pragma once

#include <cstdint>

#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/floats.h"

namespace gemtune::kernels {

/// Causal attention within each sequence of a packed batch, grouped heads, optional sliding window: see
/// ops/attention.h for the meaning. No L × L matrix is ever stored, and blocks that the mask excludes are
/// never computed: with a window, time and memory are linear in the length. Scores and softmax are fp32; with
/// bf16 operands the probabilities are rounded to bf16 for the product with V, as q, k and v are. (Dao 2023,
/// FlashAttention-2, on a cache instead of shared memory.)
struct AttentionShape {
  int64_t num_sequences = 0;
  const int32_t* cu_seqlens = nullptr;  // [num_sequences + 1], tokens
  const int32_t* cu_rows = nullptr;     // [num_sequences + 1], queries
  const int64_t* row_positions =
      nullptr;  // [queries] position of each in its sequence, ascending within a sequence
  int64_t heads = 0;
  int64_t kv_heads = 0;  // divides heads
  int64_t head_dim = 0;
  float scale = 1.0f;
  int64_t window = 0;  // keys that a query sees, including its own; 0: all up to its own
  /// Engine for bf16 operands: index into BFloat16Gemms(), or −1 to widen to fp32. The default is the fastest
  /// available.
  int bf16_engine = BFloat16Gemms().empty() ? -1 : 0;
};

/// Row t of an operand begins at data + t · stride.
struct ConstRows {
  ConstFloats data;
  int64_t stride;
};
struct Rows {
  Floats data;
  int64_t stride;
};

/// out = softmax(scale · q·kᵀ)·v; lse = log Σ exp(scale · q·kᵀ), which the backward pass needs.
/// q [queries, heads · head_dim]; k, v [tokens, kv_heads · head_dim]; out as q; lse [queries, heads] fp32.
/// All of one type.
void AttentionForward(const AttentionShape& shape, ConstRows q, ConstRows k, ConstRows v, Rows out,
                      float* lse);

/// Exact gradients: dq, dk, dv, with the shapes of q, k, v, are overwritten. `out` and `lse` are the forward
/// pass's.
void AttentionBackward(const AttentionShape& shape, ConstRows q, ConstRows k, ConstRows v, ConstRows out,
                       const float* lse, ConstRows dout, Rows dq, Rows dk, Rows dv);

}  // namespace gemtune::kernels
