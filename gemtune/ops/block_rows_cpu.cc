#include <ATen/ATen.h>

#include <span>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"
#include "gemtune/kernels/quant.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops::cpu {

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
  GEMTUNE_CHECK(IsOnHost(ids));
  const int64_t* id = ids.const_data_ptr<int64_t>();
  at::Tensor out = at::empty({ids.numel(), matrix.columns}, dtype);
  ParallelFor(ids.numel(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      GEMTUNE_CHECK(id[i] >= 0 && id[i] < matrix.rows);
      kernels::DequantizeRows(std::span(&matrix, 1), id[i], id[i] + 1, FloatsOf(out) + i * matrix.columns);
    }
  });
  return out;
}

}  // namespace gemtune::ops::cpu
