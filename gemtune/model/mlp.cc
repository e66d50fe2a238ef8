#include "gemtune/model/mlp.h"

#include <ATen/ATen.h>

#include "gemtune/ops/geglu_linear.h"
#include "gemtune/ops/norm_linear.h"

namespace gemtune::model {

MlpImpl::MlpImpl(int64_t hidden_size, int64_t intermediate_size, const at::TensorOptions& options) {
  const auto weights = AdjacentWeights(hidden_size, {intermediate_size, intermediate_size}, options);
  gate_proj_ = register_module("gate_proj", Linear(weights[0]));
  up_proj_ = register_module("up_proj", Linear(weights[1]));
  down_proj_ = register_module("down_proj", Linear(intermediate_size, hidden_size, options));
}

at::Tensor MlpImpl::forward(const at::Tensor& x, const RmsNorm& norm) {
  const auto gate_up =
      ops::NormLinear(x, norm->weight, norm->eps, {gate_proj_->projection(), up_proj_->projection()});
  return ops::GeGluLinear(gate_up[0], gate_up[1], down_proj_->projection());
}

}  // namespace gemtune::model
