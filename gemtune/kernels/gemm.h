#pragma once

#include <cstdint>
#include <span>

#include "gemtune/kernels/floats.h"
#include "gemtune/kernels/quant.h"

namespace gemtune::kernels {

/// One side of a matrix product: number (i, j) at data + i · stride + j, or, transposed, at data + j · stride
/// + i.
struct GemmOperand {
  ConstFloats data;
  int64_t stride;
  bool transposed = false;
};

/// A product A [m, k] · B [k, n] that is added to another.
struct GemmTerm {
  int64_t k;
  GemmOperand a, b;
};

/// Whether this processor multiplies whole matrices of this type faster with Gemm than with the library under
/// LibTorch (docs/benchmarks.md). In fp32: AMD's, for which MKL is not at its best. In bf16: with
/// instructions for such numbers, except where there is AMX, which oneDNN uses; and without them, since no
/// copies of the operands in fp32 are needed. Decided by the kind of processor and not by a measurement at
/// the start, since both round differently: a run would not have the same bits twice. The environment
/// variable GEMTUNE_GEMM (auto, own, library) decides otherwise; read once, Error for any other value.
bool GemmIsFast(bool is_bf16);

/// out [m, n] = A [m, k] · B [k, n], plus the product `added` if given, summed in fp32 and rounded once; row
/// i of out begins at out + i · out_stride. All of one type. The order of additions depends only on the
/// sizes, so the result is the same with any number of threads.
void Gemm(int64_t m, int64_t n, int64_t k, const GemmOperand& a, const GemmOperand& b, Floats out,
          int64_t out_stride, const GemmTerm* added = nullptr);

/// A right operand in blocks: W [Σ rows, columns], vertically stacked matrices of the same width, or,
/// transposed, Wᵀ.
struct BlockOperand {
  std::span<const BlockMatrix> pieces;
  bool transposed = false;
};

/// The same with such a B. Each thread expands a few rows at a time while packing them; the result is bit for
/// bit that of the expanded B. k and n are B's.
void Gemm(int64_t m, const GemmOperand& a, const BlockOperand& b, Floats out, int64_t out_stride,
          const GemmTerm* added = nullptr);

}  // namespace gemtune::kernels
