#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

namespace gemtune::model {

/// The weight of an RMSNorm; see ops/rms_norm.h for the equation.
class RmsNormImpl : public torch::nn::Module {
 public:
  RmsNormImpl(int64_t dim, double eps, const at::TensorOptions& options);

  /// x [..., dim] → the same shape in the weight's dtype.
  at::Tensor forward(const at::Tensor& x) const;

  /// residual + norm(x), in the residual's dtype.
  at::Tensor AddTo(const at::Tensor& residual, const at::Tensor& x) const;

  at::Tensor weight;  // [dim]
  const double eps;
};
TORCH_MODULE(RmsNorm);

}  // namespace gemtune::model
