#include "gemtune/ops/block_rows.h"

#include "gemtune/base/error.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/device.h"

namespace gemtune::ops {

int64_t BlockRows::columns() const {
  const kernels::BlockTypeInfo& info = kernels::Info(type);
  return bytes.size(1) / info.bytes * info.elements;
}

kernels::BlockMatrix BlockRows::matrix() const {
  GEMTUNE_CHECK(IsOnHost(bytes) && bytes.scalar_type() == at::kByte && bytes.dim() == 2 &&
                bytes.is_contiguous());
  return {.type = type,
          .blocks = static_cast<const std::byte*>(bytes.const_data_ptr()),
          .rows = rows(),
          .columns = columns()};
}

at::Tensor Expand(const std::vector<BlockRows>& pieces, at::ScalarType dtype) {
  return IsOnCard(pieces.front().bytes) ? cuda::Expand(pieces, dtype) : cpu::Expand(pieces, dtype);
}

at::Tensor ExpandRows(const BlockRows& table, const at::Tensor& ids, at::ScalarType dtype) {
  if (!IsOnCard(table.bytes)) return cpu::ExpandRows(table, ids.contiguous(), dtype);
  return cuda::ExpandRows(table, Upload(ids, table.bytes.device()).contiguous(), dtype);
}

}  // namespace gemtune::ops
