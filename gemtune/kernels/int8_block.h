#pragma once

#include <cstdint>

#include "gemtune/base/float16.h"

namespace gemtune::kernels::internal {

// The parts of int8_gemm.cc that are compiled for AVX512-VNNI; call only on processors that have it.

/// One row of k numbers → depth unsigned bytes around 128, and the scales of its groups.
template <typename T>
void QuantizeRow(int64_t k, int64_t depth, int64_t group, const T* x, uint8_t* out, float* scales);

/// A panel of `width` ≤ 16 columns out of rows w[column · stride + i], i < k; scales [16], sums [groups, 16].
template <typename T>
void PackInt8Columns(int64_t k, int64_t width, int64_t group, const T* w, int64_t stride, int8_t* packed,
                     float* scales, int32_t* sums);

/// A panel of `width` ≤ 16 columns out of rows w[i · stride + column], i < k.
template <typename T>
void PackInt8Rows(int64_t k, int64_t width, int64_t group, const T* w, int64_t stride, int8_t* packed,
                  float* scales, int32_t* sums);

/// y[rows, columns] of up to 8 rows and 3 panels, `depth` deep, and a product in bf16 that is added to it.
struct Int8Tile {
  int64_t rows, columns, depth, groups, group;
  const uint8_t* a;
  const float* a_scales;  // [rows, groups]
  const int8_t* b;
  const float* b_scales;
  const int32_t* b_sums;              // [panels, groups, 16]
  int64_t added_depth = 0;            // even
  const BFloat16* added_a = nullptr;  // [8, added_depth]
  const BFloat16* added_b = nullptr;  // panels PanelStride(added_depth) apart
};
template <typename T>
void MultiplyInt8(const Int8Tile& tile, T* y, int64_t stride);

}  // namespace gemtune::kernels::internal
