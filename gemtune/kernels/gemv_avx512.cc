#include <immintrin.h>

#include <algorithm>

#include "gemtune/kernels/gemv_tile.h"

namespace gemtune::kernels::internal {
namespace {

constexpr int64_t kPairs = 32;  // numbers of a vector

__m512bh Load(const BFloat16* p) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p));
}
__m512bh LoadFirst(__mmask32 lanes, const BFloat16* p) {
  return reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi16(lanes, p));
}

template <int kRows>
void Accumulate(int64_t depth, const BFloat16* x, int64_t x_stride, const BFloat16* const* w, int64_t ahead,
                bool is_first, float* sums) {
  __m512 sum[kRows][kGemvTile];
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kGemvTile; ++o)
      sum[r][o] = is_first ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + (r * kGemvTile + o) * 16);
  }
  const auto add = [&](auto&& load, int64_t i) {
    __m512bh left[kRows];
    for (int r = 0; r < kRows; ++r) left[r] = load(x + r * x_stride + i);
    for (int o = 0; o < kGemvTile; ++o) {
      const __m512bh right = load(w[o] + i);
      for (int r = 0; r < kRows; ++r) sum[r][o] = _mm512_dpbf16_ps(sum[r][o], left[r], right);
    }
  };
  int64_t i = 0;
  for (; i + kPairs <= depth; i += kPairs) {
    if (ahead != 0) {
      for (int o = 0; o < kGemvTile; ++o) Fetch(w[o] + i + ahead);
    }
    add(Load, i);
  }
  if (i < depth) {
    const auto lanes = static_cast<__mmask32>((uint64_t{1} << (depth - i)) - 1);
    add([lanes](const BFloat16* p) { return LoadFirst(lanes, p); }, i);
  }
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kGemvTile; ++o) _mm512_storeu_ps(sums + (r * kGemvTile + o) * 16, sum[r][o]);
  }
}

}  // namespace

void AccumulateBFloat16(int64_t rows, int64_t depth, const BFloat16* x, int64_t x_stride,
                        const BFloat16* const* w, int64_t ahead, bool is_first, float* sums) {
  int64_t row = 0;
  const auto run = [&]<int kRows>() {
    Accumulate<kRows>(depth, x + row * x_stride, x_stride, w, row == 0 ? ahead : 0, is_first,
                      sums + row * kGemvTile * 16);
    row += kRows;
  };
  while (row + 3 <= rows) run.template operator()<3>();
  if (row + 2 == rows) run.template operator()<2>();
  if (row < rows) run.template operator()<1>();
}

}  // namespace gemtune::kernels::internal
