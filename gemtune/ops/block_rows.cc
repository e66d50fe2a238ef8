#include "gemtune/ops/block_rows.h"

#include <ATen/ATen.h>

#include <span>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

int64_t BlockRows::columns() const {
  const kernels::BlockTypeInfo& info = kernels::Info(type);
  return bytes.size(1) / info.bytes * info.elements;
}

kernels::BlockMatrix BlockRows::matrix() const {
  GEMTUNE_CHECK(bytes.scalar_type() == at::kByte && bytes.dim() == 2 && bytes.is_contiguous());
  return {.type = type,
          .blocks = static_cast<const std::byte*>(bytes.const_data_ptr()),
          .rows = rows(),
          .columns = columns()};
}

at::Tensor Expand(const std::vector<BlockRows>& pieces, at::ScalarType dtype) {
  std::vector<kernels::BlockMatrix> matrices;
  int64_t rows = 0;
  for (const BlockRows& piece : pieces) {
    matrices.push_back(piece.matrix());
    rows += piece.rows();
  }
  const int64_t columns = pieces.front().columns();
  at::Tensor out = at::empty({rows, columns}, dtype == at::kBFloat16 ? at::kBFloat16 : at::kFloat);
  ParallelFor(rows, 16, [&](int64_t begin, int64_t end) {
    kernels::DequantizeRows(matrices, begin, end, FloatsOf(out) + begin * columns);
  });
  return out.to(dtype);
}

at::Tensor ExpandRows(const BlockRows& table, const at::Tensor& ids, at::ScalarType dtype) {
  const kernels::BlockMatrix matrix = table.matrix();
  const at::Tensor indices = ids.contiguous();
  const int64_t* id = indices.const_data_ptr<int64_t>();
  at::Tensor out = at::empty({indices.numel(), matrix.columns}, dtype);
  ParallelFor(indices.numel(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      GEMTUNE_CHECK(id[i] >= 0 && id[i] < matrix.rows);
      kernels::DequantizeRows(std::span(&matrix, 1), id[i], id[i] + 1, FloatsOf(out) + i * matrix.columns);
    }
  });
  return out;
}

}  // namespace gemtune::ops
