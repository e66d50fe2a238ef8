#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "gemtune/kernels/quant.h"

namespace gemtune::ops {

using kernels::BlockType;
using kernels::RowBytes;

/// Numbers that a block holds.
inline int64_t BlockNumbers(BlockType type) {
  return kernels::Info(type).elements;
}

/// A matrix that stays in the blocks of the file that holds it. It never has a gradient, and lies on the CPU.
struct BlockRows {
  at::Tensor bytes;  // uint8 [rows, bytes of a row], contiguous
  BlockType type;

  int64_t rows() const { return bytes.size(0); }
  int64_t columns() const;  // numbers of a row
  kernels::BlockMatrix matrix() const;
};

/// The numbers of matrices of the same width that stand one under the other, [Σ rows, columns]; rounded once
/// to `dtype`.
at::Tensor Expand(const std::vector<BlockRows>& pieces, at::ScalarType dtype);

/// The rows at `ids` [T] int64, all in range: [T, columns] fp32 or bf16.
at::Tensor ExpandRows(const BlockRows& table, const at::Tensor& ids, at::ScalarType dtype);

}  // namespace gemtune::ops
