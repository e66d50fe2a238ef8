#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "gemtune/kernels/quant.h"

namespace gemtune::ops {

using kernels::BlockType;
using kernels::RowBytes;

/// How many numbers a block holds.
inline int64_t BlockNumbers(BlockType type) {
  return kernels::Info(type).elements;
}

/// A matrix stored in quantised blocks, as in its file. It never has a gradient.
struct BlockRows {
  at::Tensor bytes;  // uint8 [rows, bytes of a row], contiguous
  BlockType type;

  int64_t rows() const { return bytes.size(0); }
  int64_t columns() const;  // numbers of a row
  kernels::BlockMatrix matrix() const;
};

/// Expands matrices of the same width, stacked vertically, to numbers [Σ rows, columns], rounded once to
/// `dtype`.
at::Tensor Expand(const std::vector<BlockRows>& pieces, at::ScalarType dtype);

/// Expands the rows at `ids` [T] int64, all in range: [T, columns] fp32 or bf16.
at::Tensor ExpandRows(const BlockRows& table, const at::Tensor& ids, at::ScalarType dtype);

}  // namespace gemtune::ops
