#include "gemtune/model/embedding.h"

#include <ATen/ATen.h>

#include <cmath>

#include "gemtune/base/error.h"
#include "gemtune/ops/embedding.h"

namespace gemtune::model {

TokenEmbeddingImpl::TokenEmbeddingImpl(int64_t vocab_size, int64_t hidden_size,
                                       const at::TensorOptions& options)
    : weight(register_parameter("weight", at::empty({vocab_size, hidden_size}, options))),
      dtype_(weight.scalar_type()) {}

void TokenEmbeddingImpl::KeepBlocks(const ops::BlockRows& blocks) {
  GEMTUNE_CHECK(blocks.rows() == weight.size(0) && blocks.columns() == weight.size(1));
  block_type_ = blocks.type;
  weight.set_requires_grad(false);
  weight.set_data(blocks.bytes);
}

at::Tensor TokenEmbeddingImpl::forward(const at::Tensor& ids) const {
  if (block_type_) {
    const ops::BlockRows table{weight, *block_type_};
    return ops::ScaledEmbedding(table, ids, std::sqrt(static_cast<double>(table.columns())), dtype_);
  }
  return ops::ScaledEmbedding(weight, ids, std::sqrt(static_cast<double>(weight.size(1))));
}

ops::Projection TokenEmbeddingImpl::projection() const {
  ops::Projection result(weight);
  result.block_type = block_type_;
  return result;
}

}  // namespace gemtune::model
