#include "gemtune/model/linear.h"

#include <ATen/ATen.h>

namespace gemtune::model {

LinearImpl::LinearImpl(int64_t in_features, int64_t out_features, const at::TensorOptions& options)
    : weight(register_parameter("weight", at::empty({out_features, in_features}, options))) {}

at::Tensor LinearImpl::forward(const at::Tensor& x) const {
  return at::linear(x, weight);
}

}  // namespace gemtune::model
