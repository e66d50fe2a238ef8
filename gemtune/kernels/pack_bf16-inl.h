#pragma once

// Packing of bf16 operands with AVX-512, for the engines that need it. Included only by files compiled for
// it.

#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "gemtune/kernels/avx512-inl.h"
#include "gemtune/kernels/block_gemm.h"

namespace gemtune::kernels::internal {
namespace {

inline __mmask16 FirstLanes(int64_t count) {
  return static_cast<__mmask16>((1u << count) - 1);
}

// Rows 2i and 2i + 1 of 16 columns, interleaved.
inline __m512i InterleaveRows(const BFloat16* even, const BFloat16* odd, int64_t width) {
  const __mmask16 lanes = FirstLanes(width);
  const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, even));
  const __m512i high =
      odd == nullptr ? _mm512_setzero_si512() : _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, odd));
  return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

// A few rows at a time: two panels share each cache line that is read.
void PackRowsBf16(int64_t k, int64_t n, const BFloat16* b, int64_t ldb, BFloat16* packed) {
  for (int64_t begin = 0; begin < PaddedDepth(k); begin += kDepthStep) {
    BFloat16* panel = packed;
    for (int64_t column = 0; column < n; column += kPanelColumns, panel += PanelStride(k)) {
      const int64_t width = std::min(kPanelColumns, n - column);
      for (int64_t i = begin; i < begin + kDepthStep; i += 2) {
        const BFloat16* even = b + i * ldb + column;
        _mm_prefetch(even + kDepthStep * ldb, _MM_HINT_T0);
        _mm_prefetch(even + (kDepthStep + 1) * ldb, _MM_HINT_T0);
        const __m512i pair =
            i < k ? InterleaveRows(even, i + 1 < k ? even + ldb : nullptr, width) : _mm512_setzero_si512();
        _mm512_storeu_si512(panel + i * kPanelColumns, pair);
      }
    }
  }
}

// A column of B lies in memory as pairs of rows already: the pairs of 16 columns are a matrix to transpose.
void PackColumnsBf16(int64_t k, int64_t n, const BFloat16* b, int64_t ldb, BFloat16* packed) {
  for (int64_t column = 0; column < n; column += kPanelColumns, packed += PanelStride(k)) {
    const int64_t width = std::min(kPanelColumns, n - column);
    for (int64_t i = 0; i < PaddedDepth(k); i += kDepthStep) {
      const int64_t depth = std::clamp<int64_t>(k - i, 0, kDepthStep);
      const auto lanes = static_cast<__mmask32>((uint64_t{1} << depth) - 1);
      __m512i r[16];
      for (int64_t j = 0; j < kPanelColumns; ++j) {
        r[j] =
            j < width ? _mm512_maskz_loadu_epi16(lanes, b + (column + j) * ldb + i) : _mm512_setzero_si512();
      }
      Transpose16x16(r);
      for (int64_t j = 0; j < kPanelColumns; ++j)
        _mm512_storeu_si512(packed + (i + 2 * j) * kPanelColumns, r[j]);
    }
  }
}

// To nearest, ties to even, as the scalar conversion; subnormal numbers become 0.
inline void StoreRounded(__m512 sums, BFloat16* out) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(sums)));
}

void StoreRowsBf16(int64_t rows, int64_t columns, const float* c, int64_t ldc, BFloat16* out, int64_t ldout) {
  for (int64_t i = 0; i < rows; ++i, c += ldc, out += ldout) {
    for (int64_t j = 0; j < columns; j += kPanelColumns) {
      const __mmask16 lanes = FirstLanes(std::min(kPanelColumns, columns - j));
      const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes, c + j));
      StoreLanes(lanes, reinterpret_cast<__m256i>(rounded), out + j);
    }
  }
}

}  // namespace
}  // namespace gemtune::kernels::internal
