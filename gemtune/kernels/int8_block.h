#pragma once

#include <cstdint>

#include "gemtune/base/float16.h"

namespace gemtune::kernels::internal {

// The parts of int8_gemm.cc that an instruction set decides.

constexpr int64_t kInt8TileRows = 16;
constexpr int64_t kInt8TilePanels = 3;

/// How numbers of type T become bytes.
template <typename T>
struct Int8Rounding {
  /// One row of k numbers → depth unsigned bytes around 128, and the scales of its groups.
  void (*quantize_row)(int64_t k, int64_t depth, int64_t group, const T* x, uint8_t* out, float* scales);
  /// A panel of `width` ≤ 16 columns out of rows w[column · stride + i], i < k; scales [16], sums [groups,
  /// 16].
  void (*pack_columns)(int64_t k, int64_t width, int64_t group, const T* w, int64_t stride, int8_t* packed,
                       float* scales, int32_t* sums);
  /// A panel of `width` ≤ 16 columns out of rows w[i · stride + column], i < k.
  void (*pack_rows)(int64_t k, int64_t width, int64_t group, const T* w, int64_t stride, int8_t* packed,
                    float* scales, int32_t* sums);
};

/// kInt8TileRows rows times up to kInt8TilePanels panels, `depth` deep.
struct Int8Tile {
  int64_t panels, depth, groups, group;
  const uint8_t* a;
  const float* a_scales;  // [rows, groups]
  const int8_t* b;
  const float* b_scales;
  const int32_t* b_sums;  // [panels, groups, 16]
};

/// An implementation for one instruction set.
struct Int8Engine {
  const char* name;
  Int8Rounding<float> (*rounding_of_floats)();
  Int8Rounding<BFloat16> (*rounding_of_bfloat16s)();
  /// y [kInt8TileRows, panels · 16] = A · B.
  void (*multiply)(const Int8Tile& tile, float* y, int64_t stride);

  Int8Rounding<float> rounding(float) const { return rounding_of_floats(); }
  Int8Rounding<BFloat16> rounding(BFloat16) const { return rounding_of_bfloat16s(); }
};

// Compiled for one kind of processor each; use only on that processor.
extern const Int8Engine kAvx512VnniInt8;
extern const Int8Engine kAvxVnniInt8;

/// Rounding on any processor, through Highway.
Int8Rounding<float> PortableInt8Rounding(float);
Int8Rounding<BFloat16> PortableInt8Rounding(BFloat16);

}  // namespace gemtune::kernels::internal
