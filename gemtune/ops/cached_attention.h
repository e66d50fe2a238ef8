#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "gemtune/ops/qkv_attention.h"

namespace gemtune::ops {

/// The keys and values that one layer keeps of one sequence, normalised and rotated. The key of position p
/// lies in row p mod capacity. Without a window capacity grows with the sequence; with one, up to the window,
/// and then a new key takes the place of the oldest, which no query sees any more.
struct KvRows {
  at::Tensor k, v;  // [capacity, kv_heads · head_dim]; undefined: nothing yet

  int64_t capacity() const { return k.defined() ? k.size(0) : 0; }
};

/// QkvAttention over sequences that are continued: the tokens of sequence s of `layout` follow
/// layout.begin(s) earlier ones, of which kept[s] holds what options.window lets them see. Puts the new keys
/// and values there too. q, k, v, norm, rope, options and result as in QkvAttention. Without autograd.
at::Tensor CachedQkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const QkNorm& norm, const RopeTable& rope, const PackedLayout& layout,
                              const AttentionOptions& options, std::span<KvRows* const> kept);

// The parts of it that do not depend on the device.

/// Makes room for the keys of positions [0, num_positions), as far as the window keeps them; `like` gives
/// width, type and device.
void Reserve(KvRows& rows, int64_t num_positions, int64_t window, const at::Tensor& like);

/// The first position that a query at `position` sees.
inline int64_t FirstVisible(int64_t position, int64_t window) {
  return window > 0 && position >= window ? position - window + 1 : 0;
}

/// Whether every sequence has one new token, which is a query.
bool IsOneQueryEach(const PackedLayout& layout);

/// Where a step's queries find the keys they see, gathered sequence by sequence: for each, those that are
/// kept from FirstVisible(begin) on, and the new ones.
struct GatheredKeys {
  PackedLayout layout;            // positions count from the first gathered key of a sequence
  std::vector<int64_t> num_kept;  // [B] of the keys
};
GatheredKeys GatherLayout(const PackedLayout& layout, int64_t window);

}  // namespace gemtune::ops
