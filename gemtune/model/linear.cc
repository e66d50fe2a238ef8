#include "gemtune/model/linear.h"

#include <ATen/ATen.h>

#include <numeric>

namespace gemtune::model {

LinearImpl::LinearImpl(int64_t in_features, int64_t out_features, const at::TensorOptions& options)
    : LinearImpl(at::empty({out_features, in_features}, options)) {}

LinearImpl::LinearImpl(at::Tensor storage) : weight(register_parameter("weight", std::move(storage))) {}

at::Tensor LinearImpl::forward(const at::Tensor& x) const {
  return ops::Project(x, projection());
}

ops::Projection LinearImpl::projection() const {
  if (adapter_ == nullptr) return weight;
  return {weight, adapter_->Term(weight, is_training())};
}

void LinearImpl::SetAdapter(LoraAdapter adapter) {
  adapter_ = std::make_unique<LoraAdapter>(std::move(adapter));
  adapter_->RegisterIn(*this);
}

void LinearImpl::MergeAdapter() {
  if (adapter_ == nullptr) return;
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
