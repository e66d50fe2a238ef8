#include "gemtune/ops/rms_norm.h"

#include <ATen/ATen.h>

#include "gemtune/ops/compute_type.h"

namespace gemtune::ops {

namespace {

at::Tensor Normalised(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::ScalarType compute = ComputeType(x.scalar_type());
  const at::Tensor wide = x.to(compute);
  return wide * at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps) * (1.0 + weight.to(compute));
}

}  // namespace

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return Normalised(x, weight, eps).to(weight.scalar_type());
}

at::Tensor AddRmsNorm(const at::Tensor& residual, const at::Tensor& x, const at::Tensor& weight, double eps) {
  return (residual + Normalised(x, weight, eps)).to(residual.scalar_type());
}

}  // namespace gemtune::ops
