#pragma once

#include <cstdint>

#include "gemtune/kernels/buffer.h"
#include "gemtune/kernels/floats.h"
#include "gemtune/kernels/gemm.h"

namespace gemtune::kernels {

// Products of numbers rounded to 8 bits during training (as Dettmers et al. 2022, LLM.int8(), but with small
// groups instead of separated outliers). Quantisation is symmetric, with one scale for each group of adjacent
// numbers in a row of activations and one for each column of the weight. Sums are exact in 32 bits within a
// group and fp32 over the groups. Nearly twice as fast as bf16 on the same vector units.

constexpr int64_t kInt8DepthStep = 64;

/// How many numbers of a row share a scale; a multiple of kInt8DepthStep. Activations have a few channels
/// with large numbers, which would cost all others their resolution: one scale per row changes the logits of
/// Gemma 3 270M three times as much. Gradients have no such channels, and one scale per row is an eighth
/// faster.
constexpr int64_t kInt8ActivationGroup = 128;
constexpr int64_t kInt8GradientGroup = int64_t{1} << 30;

/// Rows of activations: x[i][j] ≈ scales[i · groups + j / group] · (data[i · depth + j] − 128).
struct Int8Rows {
  int64_t rows, depth;  // depth is a multiple of kInt8DepthStep; memory for rows up to a multiple of 16
  int64_t group;        // the last group may be smaller
  BufferPointer<uint8_t> data;
  BufferPointer<float> scales;
};

/// A weight B [k, n], packed in panels of 16 columns with four rows' numbers side by side: B[i][j] ≈
/// scales[j] · number.
struct Int8Weight {
  int64_t columns, depth;
  int64_t group;  // that of the rows to be multiplied with
  BufferPointer<int8_t> data;
  BufferPointer<float> scales;  // [n, up to a panel]
  // [panels, groups, 16]: 128 · Σ_i of a column's numbers within a group, the contribution of the
  // activations' offset of 128
  BufferPointer<int32_t> sums;
};

/// Whether this processor has the instructions (AVX512-VNNI or AVX-VNNI) and they are allowed. The rest may
/// only be called if so.
bool HaveInt8Gemm();

/// x [rows, k], row i at x + i · stride.
Int8Rows QuantizeRows(int64_t rows, int64_t k, ConstFloats x, int64_t stride, int64_t group);

/// The weight w [out, in] as B of x·Wᵀ (B [in, out], one scale per output) for rows in activation groups, ...
Int8Weight QuantizeForOutput(int64_t out, int64_t in, ConstFloats w, int64_t stride);

/// ... and as B of dy·W (B [out, in], one scale per input) for rows in gradient groups.
Int8Weight QuantizeForInputGradient(int64_t out, int64_t in, ConstFloats w, int64_t stride);

/// y [a.rows, b.columns] = A · B, which have the same group size, plus the product `added` if given. That is
/// not rounded to 8 bits: both its operands have y's type, and its A is not transposed. Row i begins at y + i
/// · stride.
void Int8Gemm(const Int8Rows& a, const Int8Weight& b, Floats y, int64_t stride,
              const GemmTerm* added = nullptr);

}  // namespace gemtune::kernels
