#include "gemtune/ops/rope.h"

#include <ATen/ATen.h>

#include "gemtune/ops/compute_type.h"
#include "gemtune/ops/rms_norm.h"

namespace gemtune::ops {

RopeTable MakeRopeTable(int64_t num_positions, int64_t head_dim, double theta, double linear_factor) {
  const at::Tensor exponent = at::arange(0, head_dim, 2, at::kLong).to(at::kFloat) / head_dim;
  const at::Tensor inv_freq = 1.0 / at::pow(theta, exponent) / linear_factor;
  const at::Tensor angles = at::outer(at::arange(num_positions, at::kLong).to(at::kFloat), inv_freq);
  return {angles.cos(), angles.sin()};
}

at::Tensor NormRope(const at::Tensor& x, const at::Tensor& weight, double eps, const RopeTable& table,
                    const at::Tensor& positions) {
  const at::ScalarType compute = ComputeType(x.scalar_type());
  const at::Tensor cos =
      table.cos.index_select(0, positions).unsqueeze(1).to(compute);  // [T, 1, head_dim / 2]
  const at::Tensor sin = table.sin.index_select(0, positions).unsqueeze(1).to(compute);
  const auto halves = RmsNorm(x.to(compute), weight.to(compute), eps).chunk(2, -1);
  return at::cat({halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin}, -1)
      .to(x.scalar_type());
}

}  // namespace gemtune::ops
