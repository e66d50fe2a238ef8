// Compiled for AVX-512 with VNNI (Cascade Lake, Zen 4): vpdpbusd adds up four products of bytes.
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gemtune/kernels/avx512-inl.h"
#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/int8_block.h"
#include "gemtune/kernels/int8_gemm.h"

namespace gemtune::kernels::internal {
namespace {

constexpr int64_t kRows = 8;
constexpr int64_t kLanes = 16;
constexpr float kLargest = 127.0f;

__mmask16 Lanes(int64_t count) {
  return static_cast<__mmask16>((1u << std::clamp<int64_t>(count, 0, kLanes)) - 1);
}

__m512 Load(__mmask16 lanes, const float* x) {
  return _mm512_maskz_loadu_ps(lanes, x);
}
__m512 Load(__mmask16 lanes, const BFloat16* x) {
  const __m512i bits = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, x));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}

// If any number is NaN or infinite, the result is too: as a scale it reaches the product, where the trainer
// detects it.
float LargestMagnitude(int64_t n, const float* x) {
  __m512 largest = _mm512_setzero_ps(), poison = _mm512_setzero_ps();
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m512 v = _mm512_abs_ps(Load(Lanes(n - i), x + i));
    largest = _mm512_max_ps(largest, v);
    poison = _mm512_add_ps(poison, _mm512_sub_ps(v, v));
  }
  return _mm512_reduce_max_ps(largest) + _mm512_reduce_add_ps(poison);
}

__m512i LoadPairs(int64_t n, const BFloat16* x) {
  if (n >= 2 * kLanes) return _mm512_loadu_si512(x);
  return _mm512_maskz_loadu_epi16((1u << std::max<int64_t>(n, 0)) - 1, x);
}

// Without the sign, the bits of bf16 numbers have the numbers' order, with infinity and NaN on top.
float LargestMagnitude(int64_t n, const BFloat16* x) {
  __m512i largest = _mm512_setzero_si512();
  for (int64_t i = 0; i < n; i += 2 * kLanes) {
    const __m512i magnitude = _mm512_and_si512(LoadPairs(n - i, x + i), _mm512_set1_epi16(0x7fff));
    largest = _mm512_max_epu16(largest, magnitude);
  }
  const __m512i odd = _mm512_srli_epi32(largest, 16),
                even = _mm512_and_si512(largest, _mm512_set1_epi32(0xffff));
  const auto bits = static_cast<uint16_t>(_mm512_reduce_max_epu32(_mm512_max_epu32(odd, even)));
  return FloatFromBFloat16(bits);
}

__m512i Rounded(__m512 x, __m512 inverse_scale) {
  return _mm512_cvtps_epi32(_mm512_mul_ps(x, inverse_scale));
}

// The first n of 64 numbers as signed bytes, followed by zeros.
__m512i Bytes(int64_t n, const float* x, __m512 inverse_scale) {
  alignas(64) int8_t bytes[kInt8DepthStep];
  for (int64_t i = 0; i < kInt8DepthStep; i += kLanes) {
    const __m512i numbers = Rounded(Load(Lanes(n - i), x + i), inverse_scale);
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes + i), _mm512_cvtepi32_epi8(numbers));
  }
  return _mm512_load_si512(bytes);
}

__m256i HalfOfBytes(__m512i pairs, __m512 inverse_scale) {
  const __m512i even = Rounded(_mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)), inverse_scale);
  const __m512i odd =
      Rounded(_mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xffff0000)))),
              inverse_scale);
  return _mm512_cvtepi16_epi8(_mm512_mask_blend_epi16(0xaaaaaaaa, even, _mm512_slli_epi32(odd, 16)));
}

__m512i Bytes(int64_t n, const BFloat16* x, __m512 inverse_scale) {
  const __m256i low = HalfOfBytes(LoadPairs(n, x), inverse_scale),
                high = HalfOfBytes(LoadPairs(n - 2 * kLanes, x + 2 * kLanes), inverse_scale);
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

float Inverse(float largest) {
  return largest > 0 ? kLargest / largest : 0.0f;
}

// Adds the four rows of a column in each lane of `packed`.
__m512i AddRows(__m512i sums, __m512i packed) {
  return _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), packed);
}

// Stores the excess in the products that comes from A's offset of 128.
void StoreOffsets(__m512i sums, int32_t* to) {
  _mm512_storeu_si512(to, _mm512_slli_epi32(sums, 7));
}

template <typename T>
void QuantizeRow(int64_t k, int64_t depth, int64_t group, const T* x, uint8_t* out, float* scales) {
  for (int64_t begin = 0; begin < depth; begin += group) {
    const int64_t end = std::min(begin + group, depth);
    const float largest = LargestMagnitude(std::min(end, k) - begin, x + begin);
    const __m512 inverse = _mm512_set1_ps(Inverse(largest));
    for (int64_t i = begin; i < end; i += kInt8DepthStep) {
      // Adds 128 by flipping the highest bit.
      const __m512i bytes = _mm512_xor_si512(Bytes(k - i, x + i, inverse), _mm512_set1_epi8(-128));
      _mm512_storeu_si512(out + i, bytes);
    }
    *scales++ = largest / kLargest;
  }
}

template <typename T>
void PackColumns(int64_t k, int64_t width, int64_t group, const T* w, int64_t stride, int8_t* packed,
                 float* scales, int32_t* sums) {
  const int64_t depth = (k + kInt8DepthStep - 1) / kInt8DepthStep * kInt8DepthStep;
  __m512 inverse[kLanes];
  for (int64_t j = 0; j < kLanes; ++j) {
    const float largest = j < width ? LargestMagnitude(k, w + j * stride) : 0.0f;
    inverse[j] = _mm512_set1_ps(Inverse(largest));
    scales[j] = largest / kLargest;
  }
  __m512i total = _mm512_setzero_si512();
  for (int64_t i = 0; i < depth; i += kInt8DepthStep) {
    if (i % group == 0) total = _mm512_setzero_si512();
    __m512i r[kLanes];
    for (int64_t j = 0; j < kLanes; ++j) {
      r[j] = j < width ? Bytes(k - i, w + j * stride + i, inverse[j]) : _mm512_setzero_si512();
    }
    Transpose16x16(r);
    for (int64_t j = 0; j < kLanes; ++j) {
      _mm512_storeu_si512(packed + i * kPanelColumns + j * 64, r[j]);
      total = AddRows(total, r[j]);
    }
    StoreOffsets(total, sums + i / group * kLanes);
  }
}

template <typename T>
void PackRows(int64_t k, int64_t width, int64_t group, const T* w, int64_t stride, int8_t* packed,
              float* scales, int32_t* sums) {
  const int64_t depth = (k + kInt8DepthStep - 1) / kInt8DepthStep * kInt8DepthStep;
  const __mmask16 lanes = Lanes(width);
  __m512 largest = _mm512_setzero_ps(), poison = _mm512_setzero_ps();
  for (int64_t i = 0; i < k; ++i) {
    const __m512 v = _mm512_abs_ps(Load(lanes, w + i * stride));
    largest = _mm512_max_ps(largest, v);
    poison = _mm512_add_ps(poison, _mm512_sub_ps(v, v));
  }
  const __mmask16 some = _mm512_cmp_ps_mask(largest, _mm512_setzero_ps(), _CMP_GT_OQ);
  const __m512 inverse = _mm512_maskz_div_ps(some, _mm512_set1_ps(kLargest), largest);
  _mm512_storeu_ps(scales, _mm512_div_ps(_mm512_add_ps(largest, poison), _mm512_set1_ps(kLargest)));
  __m512i total = _mm512_setzero_si512();
  for (int64_t i = 0; i < depth; i += 4) {
    if (i % group == 0) total = _mm512_setzero_si512();
    __m512i four = _mm512_setzero_si512();
    for (int64_t b = 3; b >= 0; --b) {
      four = _mm512_slli_epi32(four, 8);
      if (i + b >= k) continue;
      const __m512i numbers = Rounded(Load(lanes, w + (i + b) * stride), inverse);
      four = _mm512_or_si512(four, _mm512_and_si512(numbers, _mm512_set1_epi32(0xff)));
    }
    _mm512_storeu_si512(packed + i * kPanelColumns, four);
    total = AddRows(total, four);
    StoreOffsets(total, sums + i / group * kLanes);
  }
}

template <typename T>
Int8Rounding<T> Rounding() {
  return {QuantizeRow<T>, PackColumns<T>, PackRows<T>};
}

// g++ 12 keeps an array of these in registers, but one of __m512i in memory.
using Int32x16 __attribute__((vector_size(64))) = int32_t;

template <int kPanels>
void MultiplyRows(const Int8Tile& tile, int64_t row, float* y, int64_t stride) {
  const int64_t groups = tile.groups, panel_stride = tile.depth * kPanelColumns;
  const uint8_t* a = tile.a + row * tile.depth;
  const uint8_t* const a_end = a + tile.depth;
  const int8_t* b = tile.b;
  for (int64_t g = 0; g < groups; ++g) {
    Int32x16 sum[kRows][kPanels];
#pragma GCC unroll 3
    for (int p = 0; p < kPanels; ++p) {
      const auto offset =
          reinterpret_cast<Int32x16>(_mm512_loadu_si512(tile.b_sums + (p * groups + g) * kPanelColumns));
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) sum[i][p] = -offset;
    }
    for (const uint8_t* end = std::min(a + tile.group, a_end); a < end; a += 4, b += 4 * kPanelColumns) {
      __m512i column[kPanels];
      for (int p = 0; p < kPanels; ++p) column[p] = _mm512_loadu_si512(b + p * panel_stride);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        int32_t four;
        std::memcpy(&four, a + i * tile.depth, sizeof four);
        const __m512i value = _mm512_set1_epi32(four);
#pragma GCC unroll 3
        for (int p = 0; p < kPanels; ++p) {
          sum[i][p] = reinterpret_cast<Int32x16>(
              _mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum[i][p]), value, column[p]));
        }
      }
    }
#pragma GCC unroll 3
    for (int p = 0; p < kPanels; ++p) {
      const __m512 column_scale = _mm512_loadu_ps(tile.b_scales + p * kPanelColumns);
#pragma GCC unroll 8
      for (int i = 0; i < kRows; ++i) {
        float* to = y + i * stride + p * kPanelColumns;
        const __m512 scale = _mm512_set1_ps(tile.a_scales[(row + i) * groups + g]);
        const __m512 before = g == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(to);
        const __m512 number = _mm512_cvtepi32_ps(reinterpret_cast<__m512i>(sum[i][p]));
        const __m512 total = _mm512_fmadd_ps(number, scale, before);
        _mm512_storeu_ps(to, g + 1 == groups ? _mm512_mul_ps(total, column_scale) : total);
      }
    }
  }
}

void Multiply(const Int8Tile& tile, float* y, int64_t stride) {
  for (int64_t row = 0; row < kInt8TileRows; row += kRows, y += kRows * stride) {
    if (tile.panels == 3) {
      MultiplyRows<3>(tile, row, y, stride);
    } else if (tile.panels == 2) {
      MultiplyRows<2>(tile, row, y, stride);
    } else {
      MultiplyRows<1>(tile, row, y, stride);
    }
  }
}

}  // namespace

const Int8Engine kAvx512VnniInt8 = {.name = "avx512_vnni",
                                    .rounding_of_floats = [] { return Rounding<float>(); },
                                    .rounding_of_bfloat16s = [] { return Rounding<BFloat16>(); },
                                    .multiply = Multiply};

}  // namespace gemtune::kernels::internal
