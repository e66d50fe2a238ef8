// Compiled for AVX-VNNI (laptops since Alder Lake, Zen 5): vpdpbusd on half as many bytes as with AVX-512.
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/int8_block.h"

namespace gemtune::kernels::internal {
namespace {

constexpr int kVectors = 2;  // that hold a panel's row
constexpr int64_t kLanes = kPanelColumns / kVectors;

// kRows rows times one panel: 6 rows of 2 sums, 2 columns and a broadcast fill the 16 registers.
template <int kRows>
void MultiplyRows(const Int8Tile& tile, int64_t row, int64_t panel, float* y, int64_t stride) {
  const int64_t groups = tile.groups;
  const uint8_t* a = tile.a + row * tile.depth;
  const uint8_t* const a_end = a + tile.depth;
  const int8_t* b = tile.b + panel * tile.depth * kPanelColumns;
  const int32_t* offsets = tile.b_sums + panel * groups * kPanelColumns;
  for (int64_t g = 0; g < groups; ++g, offsets += kPanelColumns) {
    __m256i sum[kRows][kVectors];
    for (int v = 0; v < kVectors; ++v) {
      const auto* from = reinterpret_cast<const __m256i*>(offsets + v * kLanes);
      const __m256i offset = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_loadu_si256(from));
      for (int i = 0; i < kRows; ++i) sum[i][v] = offset;
    }
    for (const uint8_t* end = std::min(a + tile.group, a_end); a < end; a += 4, b += 4 * kPanelColumns) {
      __m256i column[kVectors];
      for (int v = 0; v < kVectors; ++v)
        column[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + v * 4 * kLanes));
      for (int i = 0; i < kRows; ++i) {
        int32_t four;
        std::memcpy(&four, a + i * tile.depth, sizeof four);
        const __m256i value = _mm256_set1_epi32(four);
        for (int v = 0; v < kVectors; ++v) sum[i][v] = _mm256_dpbusd_avx_epi32(sum[i][v], value, column[v]);
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      const __m256 column_scale = _mm256_loadu_ps(tile.b_scales + panel * kPanelColumns + v * kLanes);
      for (int i = 0; i < kRows; ++i) {
        float* to = y + i * stride + v * kLanes;
        const __m256 scale = _mm256_set1_ps(tile.a_scales[(row + i) * groups + g]);
        const __m256 before = g == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(to);
        const __m256 total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[i][v]), scale, before);
        _mm256_storeu_ps(to, g + 1 == groups ? _mm256_mul_ps(total, column_scale) : total);
      }
    }
  }
}

void Multiply(const Int8Tile& tile, float* y, int64_t stride) {
  static_assert(kInt8TileRows == 6 + 6 + 4);
  for (int64_t panel = 0; panel < tile.panels; ++panel, y += kPanelColumns) {
    MultiplyRows<6>(tile, 0, panel, y, stride);
    MultiplyRows<6>(tile, 6, panel, y + 6 * stride, stride);
    MultiplyRows<4>(tile, 12, panel, y + 12 * stride, stride);
  }
}

}  // namespace

const Int8Engine kAvxVnniInt8 = {.name = "avx_vnni",
                                 .rounding_of_floats = [] { return PortableInt8Rounding(float()); },
                                 .rounding_of_bfloat16s = [] { return PortableInt8Rounding(BFloat16()); },
                                 .multiply = Multiply};

}  // namespace gemtune::kernels::internal
