#include "gemtune/base/error.h"
#include "gemtune/ops/adamw_kernel.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/cuda_kernels.h"

namespace gemtune::ops::cuda {

using kernels::cuda::Kernels;

void AdamWSteps(std::span<const AdamWItem> items, const AdamWPace& pace) {
  std::vector<kernels::cuda::AdamWPart> parts;
  for (const AdamWItem& item : items) {
    const auto& [parameter, master, exp_avg, exp_avg_sq] = item.tensors;
    for (const at::Tensor* tensor : {&parameter, &master, &exp_avg, &exp_avg_sq, &item.grad})
      GEMTUNE_CHECK(tensor->is_contiguous());
    parts.push_back(
        {.n = master.numel(),
         .grad = ConstFloatsOf(item.grad),
         .state = {.parameter = master.data_ptr<float>(),
                   .exp_avg = exp_avg.data_ptr<float>(),
                   .exp_avg_sq = exp_avg_sq.data_ptr<float>(),
                   .rounded = parameter.scalar_type() == at::kBFloat16 ? BFloat16Data(parameter) : nullptr}});
  }
  if (!parts.empty()) Call(&Kernels::AdamWStep, parts, cpu::KernelOptions(items.front().options, pace));
}

}  // namespace gemtune::ops::cuda
