#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "gemtune/model/linear.h"
#include "gemtune/model/norm.h"

namespace gemtune::model {

/// down_proj(gelu(gate_proj(x)) · up_proj(x)).
class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl(int64_t hidden_size, int64_t intermediate_size, const at::TensorOptions& options);

  /// x [rows, hidden_size], the residual stream; `norm` is applied to it first → the same shape.
  at::Tensor forward(const at::Tensor& x, const RmsNorm& norm);

 private:
  Linear gate_proj_{nullptr}, up_proj_{nullptr}, down_proj_{nullptr};
};
TORCH_MODULE(Mlp);

}  // namespace gemtune::model
