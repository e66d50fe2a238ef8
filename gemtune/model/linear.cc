#include "gemtune/model/linear.h"

#include <ATen/ATen.h>

#include <numeric>

#include "gemtune/base/error.h"

namespace gemtune::model {

LinearImpl::LinearImpl(int64_t in_features, int64_t out_features, const at::TensorOptions& options)
    : LinearImpl(at::empty({out_features, in_features}, options)) {}

LinearImpl::LinearImpl(at::Tensor storage) : weight(register_parameter("weight", std::move(storage))) {}

at::Tensor LinearImpl::forward(const at::Tensor& x) const {
  return ops::Project(x, projection());
}

ops::Projection LinearImpl::projection() const {
  ops::Projection result(weight);
  result.block_type = block_type_;
  if (adapter_ != nullptr) result.low_rank = adapter_->Term(result.matmul_weight(), is_training());
  result.matmul_dtype = matmul_dtype_;
  return result;
}

void LinearImpl::KeepBlocks(const ops::BlockRows& blocks) {
  GEMTUNE_CHECK(blocks.rows() == weight.size(0) && blocks.columns() == weight.size(1));
  block_type_ = blocks.type;
  weight.set_requires_grad(false);
  weight.set_data(blocks.bytes);
}

ops::MatmulWeight LinearImpl::matmul_weight() const {
  ops::Projection plain(weight);
  plain.block_type = block_type_;
  return plain.matmul_weight();
}

void LinearImpl::SetAdapter(LoraAdapter adapter) {
  adapter_ = std::make_unique<LoraAdapter>(std::move(adapter));
  adapter_->RegisterIn(*this);
}

void LinearImpl::MergeAdapter() {
  if (adapter_ == nullptr) return;
  GEMTUNE_CHECK(!block_type_);
  const at::NoGradGuard no_grad;
  weight.copy_(adapter_->Merged(weight));
  adapter_->UnregisterFrom(*this);
  adapter_ = nullptr;
}

std::vector<at::Tensor> AdjacentWeights(int64_t in_features, at::IntArrayRef heights,
                                        const at::TensorOptions& options) {
  const int64_t total = std::accumulate(heights.begin(), heights.end(), int64_t{0});
  const at::Tensor all = at::empty({total, in_features}, options);
  std::vector<at::Tensor> weights;
  int64_t begin = 0;
  for (const int64_t height : heights) {
    weights.push_back(all.narrow(0, begin, height).detach());
    begin += height;
  }
  return weights;
}

}  // namespace gemtune::model
