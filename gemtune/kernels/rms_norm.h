#pragma once

#include <cstdint>

#include "gemtune/kernels/floats.h"

namespace gemtune::kernels {

// RMSNorm with Gemma's unit offset, RmsNorm(x) = x · r · (1 + w), r = 1 / √(mean(x²) + ε), for each row, in
// fp32, rounded once. The residual stream is fp32; the other arrays of a call are all fp32 or all bf16.

/// y = RmsNorm(x), a block's input from the residual stream. x, y [rows, dim]; w [dim].
void RmsNormForward(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, Floats y);

/// sum = residual + RmsNorm(x), which adds a block's output to the residual stream. All [rows, dim]; w [dim];
/// sum may be residual.
void AddRmsNormForward(int64_t rows, int64_t dim, const float* residual, ConstFloats x, ConstFloats w,
                       float eps, float* sum);

/// Gradients of RmsNormForward, r recomputed: dx = r · (g − x · r² · mean(g·x)) with g = dy · (1 + w); dw = Σ
/// over rows of dy · x · r. dx [rows, dim], dw [dim] overwritten. The sum over rows uses a fixed split into
/// parts, so it is the same for the same number of threads.
void RmsNormBackward(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, ConstFloats dy,
                     float* dx, float* dw);

/// Gradients of AddRmsNormForward in x and w; the residual's is dsum itself.
void AddRmsNormBackward(int64_t rows, int64_t dim, ConstFloats x, ConstFloats w, float eps, const float* dsum,
                        Floats dx, float* dw);

}  // namespace gemtune::kernels
