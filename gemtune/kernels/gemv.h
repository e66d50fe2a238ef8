#pragma once

#include <cstdint>
#include <span>

#include "gemtune/kernels/floats.h"
#include "gemtune/kernels/quant.h"

namespace gemtune::kernels {

/// A product x [rows, columns of w] · Wᵀ of a sum. Row i of x begins at x + i · x_stride. W is a matrix, or
/// several of the same width stacked vertically, in blocks of any type; kF32 and kBF16 are plain numbers.
struct GemvTerm {
  ConstFloats x;
  int64_t x_stride;
  std::span<const BlockMatrix> w;
};

/// y [rows, out] = the sum of the terms, whose W have `out` rows each; row i of y begins at y + i · y_stride.
/// For few rows: W is read once for 32 of them and never copied or expanded as a whole, so that one row takes
/// as long as reading W from memory. Sums are fp32 and rounded once; W is not rounded. A number of y is added
/// up in an order that depends only on the terms' widths (and the vector length), hence is the same with any
/// number of threads and among any number of rows. x and y are of one type.
void Gemv(int64_t rows, int64_t out, std::span<const GemvTerm> terms, Floats y, int64_t y_stride);

}  // namespace gemtune::kernels
