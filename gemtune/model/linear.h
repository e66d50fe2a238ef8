#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vector>

namespace gemtune::model {

/// y = x · weightᵀ without bias, as every projection of Gemma 3.
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(int64_t in_features, int64_t out_features, const at::TensorOptions& options);

  /// With storage given: [out_features, in_features].
  explicit LinearImpl(at::Tensor storage);

  /// x [rows, in_features] → [rows, out_features].
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight;  // [out_features, in_features]
};
TORCH_MODULE(Linear);

/// Uninitialised weights [heights[i], in_features] of projections that read the same rows, behind one another
/// in memory: ops::NormLinear then computes them in one product.
std::vector<at::Tensor> AdjacentWeights(int64_t in_features, at::IntArrayRef heights,
                                        const at::TensorOptions& options);

}  // namespace gemtune::model
