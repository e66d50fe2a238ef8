#pragma once

#include <algorithm>
#include <cstdint>

#include "gemtune/base/parallel.h"
#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/buffer.h"
#include "gemtune/kernels/gemm.h"

namespace gemtune::kernels {

/// A row of A [n] in an engine's numbers.
inline void CopyRow(int64_t n, const float* x, float* out) {
  std::copy_n(x, n, out);
}
inline void CopyRow(int64_t n, const BFloat16* x, BFloat16* out) {
  std::copy_n(x, n, out);
}
inline void CopyRow(int64_t n, const BFloat16* x, float* out) {
  WidenRow(n, x, out);
}

/// Calls body with the engine for whole products of matrices of this type.
template <typename Body>
void WithGemmEngine(bool is_bf16, Body&& body) {
  if (!is_bf16) {
    body(FloatGemm());
  } else if (BFloat16Gemms().empty()) {
    body(WideningGemm());
  } else {
    body(*BFloat16Gemms().back());
  }
}

/// Packs B [k, n] for an engine, on all threads.
template <typename E, typename S>
BufferPointer<E> Pack(const GemmEngine<E, S>& engine, int64_t k, int64_t n, const GemmOperand& b) {
  auto packed = Buffer<E>(PackedSize(k, n));
  const auto* numbers = static_cast<const S*>(b.data.data());
  ParallelFor(PaddedColumns(n) / kPanelColumns, 4, [&](int64_t begin, int64_t end) {
    const int64_t column = begin * kPanelColumns;
    const int64_t columns = std::min(n, end * kPanelColumns) - column;
    E* to = packed.get() + begin * PanelStride(k);
    if (b.transposed) {
      engine.pack_columns(k, columns, numbers + column * b.stride, b.stride, to);
    } else {
      engine.pack_rows(k, columns, numbers + column, b.stride, to);
    }
  });
  return packed;
}

}  // namespace gemtune::kernels
