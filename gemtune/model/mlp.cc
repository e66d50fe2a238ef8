#include "gemtune/model/mlp.h"

#include <ATen/ATen.h>

#include "gemtune/ops/geglu.h"

namespace gemtune::model {

MlpImpl::MlpImpl(int64_t hidden_size, int64_t intermediate_size, const at::TensorOptions& options)
    : gate_proj_(register_module("gate_proj", Linear(hidden_size, intermediate_size, options))),
      up_proj_(register_module("up_proj", Linear(hidden_size, intermediate_size, options))),
      down_proj_(register_module("down_proj", Linear(intermediate_size, hidden_size, options))) {}

at::Tensor MlpImpl::forward(const at::Tensor& x) {
  return down_proj_(ops::GeGlu(gate_proj_(x), up_proj_(x)));
}

}  // namespace gemtune::model
