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

/// A product that is added up with another: A [m, k] · B [k, n].
struct GemmTerm {
  int64_t k;
  GemmOperand a, b;
};

/// Whether this processor multiplies whole matrices of this type faster with Gemm than with the library under
/// LibTorch. On 2 cores of a Zen 5, at the shapes of the 270M: fp32 500 against 230 GFLOP/s (MKL), bf16 as
/// fast as oneDNN or up to 5 % faster, without passes of their own for what is added or transposed. Where
/// there is AMX, oneDNN is left to it.
bool GemmIsFast(bool is_bf16);

/// out [m, n] = A [m, k] · B [k, n], plus the product `added` where one is given, added up in fp32 and
/// rounded once; row i of out begins at out + i · out_stride. All of one type; bf16 only where
/// GemmIsFast(true). The order of additions depends on the sizes alone: the same result with any number of
/// threads.
void Gemm(int64_t m, int64_t n, int64_t k, const GemmOperand& a, const GemmOperand& b, Floats out,
          int64_t out_stride, const GemmTerm* added = nullptr);

/// A right side that stays in blocks: W [Σ rows, columns], matrices of the same width one under the other,
/// or, transposed, Wᵀ.
struct BlockOperand {
  std::span<const BlockMatrix> pieces;
  bool transposed = false;
};

/// The same with such a B, of which each thread expands a few rows at a time where it packs them: the numbers
/// of the result are those that the expanded B gives, bit for bit. k and n are B's.
void Gemm(int64_t m, const GemmOperand& a, const BlockOperand& b, Floats out, int64_t out_stride,
          const GemmTerm* added = nullptr);

}  // namespace gemtune::kernels
