#pragma once

#include <cstdint>
#include <span>

#include "gemtune/kernels/attention.h"
#include "gemtune/kernels/floats.h"

namespace gemtune::kernels {

/// The keys and values that are kept of a sequence, in any order: row i at k + i · kv_heads · head_dim.
struct KeptRows {
  ConstFloats k, v;
  int64_t count;  // at least 1
};

struct CachedAttentionShape {
  int64_t heads = 0;
  int64_t kv_heads = 0;  // divides heads
  int64_t head_dim = 0;
  float scale = 1.0f;
};

/// One query for each sequence, which sees all that is kept of it: out = softmax(scale · q·kᵀ)·v. q, out
/// [kept.size(), heads · head_dim]; all of one type. fp32 throughout, rounded once. Keys and values are read
/// once for all query heads that share them, in parts of a fixed length, whose results are put together in
/// their order (Dao et al. 2023, Flash-Decoding): the same numbers with any number of threads and beside any
/// other sequences.
void CachedAttention(const CachedAttentionShape& shape, std::span<const KeptRows> kept, ConstRows q,
                     Rows out);

}  // namespace gemtune::kernels
