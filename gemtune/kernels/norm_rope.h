#pragma once

#include <cstdint>

#include "gemtune/kernels/floats.h"

namespace gemtune::kernels {

/// Gemma 3's normalisation of q or k per head, followed by rotary embedding. In fp32, rounded once.
struct NormRopeShape {
  int64_t rows = 0;
  int64_t heads = 0;
  int64_t head_dim = 0;  // even
  float eps = 1e-6f;
  const float* cos = nullptr;          // [positions, head_dim / 2]
  const float* sin = nullptr;          // [positions, head_dim / 2]
  const int64_t* positions = nullptr;  // [rows] index into cos and sin
};

/// y = rotate(RmsNorm(x, w)): with n = RmsNorm(x) and p the row's position, for i < head_dim / 2
/// y[i] = n[i]·cos[p, i] − n[i + d/2]·sin[p, i] and y[i + d/2] = n[i + d/2]·cos[p, i] + n[i]·sin[p, i].
/// Row r of x begins at x + r · x_stride and holds heads · head_dim numbers; y likewise. w [head_dim].
void NormRopeForward(const NormRopeShape& shape, ConstFloats x, int64_t x_stride, ConstFloats w, Floats y,
                     int64_t y_stride);

/// Gradients. dy has y's layout; dx has x's, is overwritten and may be dy; dw [head_dim] fp32 is overwritten,
/// and summed in parts as in rms_norm.h.
void NormRopeBackward(const NormRopeShape& shape, ConstFloats x, int64_t x_stride, ConstFloats w,
                      ConstFloats dy, int64_t dy_stride, Floats dx, int64_t dx_stride, float* dw);

}  // namespace gemtune::kernels
