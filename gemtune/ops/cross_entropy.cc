#include "gemtune/ops/cross_entropy.h"

#include <ATen/ATen.h>

#include "gemtune/ops/compute_type.h"

namespace gemtune::ops {

at::Tensor CrossEntropySum(const at::Tensor& logits, const at::Tensor& targets, double label_smoothing) {
  return at::cross_entropy_loss(logits.to(ComputeType(logits.scalar_type())), targets, /*weight=*/{},
                                at::Reduction::Sum,
                                /*ignore_index=*/-100, label_smoothing);
}

}  // namespace gemtune::ops
