#include "gemtune/ops/geglu.h"

#include <ATen/ATen.h>

#include "gemtune/base/error.h"
#include "gemtune/ops/compute_type.h"

namespace gemtune::ops {

at::Tensor GeGlu(const at::Tensor& gate, const at::Tensor& up) {
  GEMTUNE_CHECK(gate.sizes() == up.sizes() && gate.scalar_type() == up.scalar_type());
  const at::ScalarType compute = ComputeType(gate.scalar_type());
  return (at::gelu(gate.to(compute), "tanh") * up.to(compute)).to(gate.scalar_type());
}

}  // namespace gemtune::ops
