#include "gemtune/ops/embedding.h"

#include <ATen/ATen.h>

#include "gemtune/ops/compute_type.h"

namespace gemtune::ops {

at::Tensor ScaledEmbedding(const at::Tensor& weight, const at::Tensor& ids, double scale) {
  const at::ScalarType compute = ComputeType(weight.scalar_type());
  return at::embedding(weight, ids).to(compute) * at::scalar_tensor(scale, weight.options()).to(compute);
}

}  // namespace gemtune::ops
