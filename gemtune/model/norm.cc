#include "gemtune/model/norm.h"

#include <ATen/ATen.h>

#include "gemtune/ops/rms_norm.h"

namespace gemtune::model {

RmsNormImpl::RmsNormImpl(int64_t dim, double epsilon, const at::TensorOptions& options)
    : weight(register_parameter("weight", at::zeros({dim}, options))), eps(epsilon) {}

at::Tensor RmsNormImpl::forward(const at::Tensor& x) const {
  return ops::RmsNorm(x, weight, eps);
}

at::Tensor RmsNormImpl::AddTo(const at::Tensor& residual, const at::Tensor& x) const {
  return ops::AddRmsNorm(residual, x, weight, eps);
}

}  // namespace gemtune::model
