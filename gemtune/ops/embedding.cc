#include "gemtune/ops/embedding.h"

#include <ATen/ATen.h>

namespace gemtune::ops {

at::Tensor ScaledEmbedding(const at::Tensor& weight, const at::Tensor& ids, double scale) {
  return at::embedding(weight, ids) * at::scalar_tensor(scale, weight.options());
}

}  // namespace gemtune::ops
