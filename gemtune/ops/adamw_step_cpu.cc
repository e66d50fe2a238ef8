#include "gemtune/base/error.h"
#include "gemtune/kernels/adamw.h"
#include "gemtune/ops/adamw_kernel.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops::cpu {

void AdamWStep(const AdamWTensors& tensors, const at::Tensor& grad, const AdamWOptions& options,
               const AdamWPace& pace) {
  const auto& [parameter, master, exp_avg, exp_avg_sq] = tensors;
  const bool is_bf16 = parameter.scalar_type() == at::kBFloat16;
  for (const at::Tensor* tensor : {&parameter, &master, &exp_avg, &exp_avg_sq, &grad}) {
    GEMTUNE_CHECK(tensor->is_contiguous());
  }
  kernels::AdamWStep(master.numel(), ConstFloatsOf(grad),
                     {.parameter = master.data_ptr<float>(),
                      .exp_avg = exp_avg.data_ptr<float>(),
                      .exp_avg_sq = exp_avg_sq.data_ptr<float>(),
                      .rounded = is_bf16 ? BFloat16Data(parameter) : nullptr},
                     KernelOptions(options, pace));
}

}  // namespace gemtune::ops::cpu
