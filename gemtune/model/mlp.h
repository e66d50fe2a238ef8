#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "gemtune/model/linear.h"

namespace gemtune::model {

/// down_proj(gelu(gate_proj(x)) · up_proj(x)).
class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl(int64_t hidden_size, int64_t intermediate_size, const at::TensorOptions& options);

  /// x [rows, hidden_size], normalised → the same shape.
  at::Tensor forward(const at::Tensor& x);

 private:
  Linear gate_proj_, up_proj_, down_proj_;
};
TORCH_MODULE(Mlp);

}  // namespace gemtune::model
