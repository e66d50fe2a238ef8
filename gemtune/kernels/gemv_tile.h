#pragma once

#include <cstdint>

#include "gemtune/base/float16.h"

// What kernels/gemv.cc and its file of intrinsics share.
namespace gemtune::kernels::internal {

inline constexpr int64_t kGemvTile = 8;               // rows of W that are read side by side
inline constexpr int64_t kGemvAhead = 2 * kGemvTile;  // rows by which W is fetched before it is read

/// Begins to fetch a line into the second cache: the first takes no more than a dozen lines on their way.
inline void Fetch(const void* p) {
  __builtin_prefetch(p, /*rw=*/0, /*locality=*/2);
}

/// sums [rows][kGemvTile][16] += x · wᵀ over `depth` columns, lane by lane and one sum for each pair, by
/// AVX512-BF16's product of pairs (exact products, fp32 sums); they begin at zero if `is_first`. Row r of x
/// begins at x + r · x_stride. Fetches the numbers of w that are `ahead` further on. Only if
/// HaveAvx512Bf16().
void AccumulateBFloat16(int64_t rows, int64_t depth, const BFloat16* x, int64_t x_stride,
                        const BFloat16* const* w, int64_t ahead, bool is_first, float* sums);

}  // namespace gemtune::kernels::internal
