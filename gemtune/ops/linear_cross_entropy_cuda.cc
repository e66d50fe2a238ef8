#include "gemtune/ops/cuda.h"
#include "gemtune/ops/cuda_kernels.h"

namespace gemtune::ops::cuda {

using kernels::cuda::Kernels;

at::Tensor SoftmaxGradients(const at::Tensor& logits, const at::Tensor& targets) {
  at::Tensor losses = at::empty({logits.size(0)}, logits.options().dtype(at::kFloat));
  Call(&Kernels::SoftmaxGradients, logits.size(0), logits.size(1), FloatsOf(logits),
       targets.const_data_ptr<int64_t>(), losses.data_ptr<float>());
  return losses;
}

RowLosses SoftmaxLosses(const at::Tensor& logits, const at::Tensor& targets) {
  RowLosses rows{.losses = at::empty({logits.size(0)}, logits.options().dtype(at::kFloat)),
                 .is_correct = at::empty({logits.size(0)}, logits.options().dtype(at::kByte))};
  Call(&Kernels::SoftmaxLosses, logits.size(0), logits.size(1), ConstFloatsOf(logits),
       targets.const_data_ptr<int64_t>(), rows.losses.data_ptr<float>(), rows.is_correct.data_ptr<uint8_t>());
  return rows;
}

}  // namespace gemtune::ops::cuda
