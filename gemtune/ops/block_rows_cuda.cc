#include "gemtune/ops/cuda.h"
#include "gemtune/ops/cuda_kernels.h"

namespace gemtune::ops::cuda {
namespace {

using kernels::cuda::Kernels;

// Rows of a table, all or those at ids, into `out`.
void Fill(const BlockRows& table, const int64_t* ids, const at::Tensor& out) {
  Call(&Kernels::DequantizeRows, table.type, static_cast<const std::byte*>(table.bytes.const_data_ptr()),
       table.columns(), out.size(0), ids, FloatsOf(out));
}

at::Tensor RoomFor(const BlockRows& like, int64_t rows, at::ScalarType dtype) {
  return at::empty({rows, like.columns()},
                   like.bytes.options().dtype(dtype == at::kBFloat16 ? at::kBFloat16 : at::kFloat));
}

}  // namespace

at::Tensor Expand(const std::vector<BlockRows>& pieces, at::ScalarType dtype) {
  int64_t rows = 0;
  for (const BlockRows& piece : pieces) rows += piece.rows();
  const at::Tensor out = RoomFor(pieces.front(), rows, dtype);
  int64_t begin = 0;
  for (const BlockRows& piece : pieces) {
    Fill(piece, nullptr, out.narrow(0, begin, piece.rows()));
    begin += piece.rows();
  }
  return out.to(dtype);
}

at::Tensor ExpandRows(const BlockRows& table, const at::Tensor& ids, at::ScalarType dtype) {
  const at::Tensor out = RoomFor(table, ids.numel(), dtype);
  Fill(table, ids.const_data_ptr<int64_t>(), out);
  return out;
}

}  // namespace gemtune::ops::cuda
