#include "gemtune/ops/rms_norm.h"

#include <ATen/ATen.h>

#include "gemtune/ops/compute_type.h"

namespace gemtune::ops {

at::Tensor RmsNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const at::ScalarType compute = ComputeType(x.scalar_type());
  const at::Tensor wide = x.to(compute);
  const at::Tensor normalised = wide * at::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + eps);
  return (normalised * (1.0 + weight.to(compute))).to(x.scalar_type());
}

}  // namespace gemtune::ops
