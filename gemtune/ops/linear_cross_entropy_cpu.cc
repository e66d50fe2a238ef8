#include <ATen/ATen.h>

#include "gemtune/kernels/softmax_cross_entropy.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops::cpu {

at::Tensor SoftmaxGradients(const at::Tensor& logits, const at::Tensor& targets) {
  at::Tensor losses = at::empty({logits.size(0)}, at::kFloat);
  kernels::SoftmaxGradients(logits.size(0), logits.size(1), FloatsOf(logits),
                            targets.const_data_ptr<int64_t>(), losses.data_ptr<float>());
  return losses;
}

RowLosses SoftmaxLosses(const at::Tensor& logits, const at::Tensor& targets) {
  RowLosses rows{.losses = at::empty({logits.size(0)}, at::kFloat),
                 .is_correct = at::empty({logits.size(0)}, at::kByte)};
  kernels::SoftmaxLosses(logits.size(0), logits.size(1), ConstFloatsOf(logits),
                         targets.const_data_ptr<int64_t>(), rows.losses.data_ptr<float>(),
                         rows.is_correct.data_ptr<uint8_t>());
  return rows;
}

}  // namespace gemtune::ops::cpu
