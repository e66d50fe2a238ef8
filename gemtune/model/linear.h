#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

namespace gemtune::model {

/// y = x · weightᵀ without bias, as every projection of Gemma 3.
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(int64_t in_features, int64_t out_features, const at::TensorOptions& options);

  /// x [rows, in_features] → [rows, out_features].
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight;  // [out_features, in_features]
};
TORCH_MODULE(Linear);

}  // namespace gemtune::model
