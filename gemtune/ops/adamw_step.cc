#include "gemtune/ops/adamw_step.h"

#include <ATen/ATen.h>

#include <cmath>

#include "gemtune/base/error.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

void AdamWStep(const AdamWTensors& tensors, const at::Tensor& grad, const AdamWOptions& options,
               const AdamWPace& pace) {
  GEMTUNE_CHECK(grad.sizes() == tensors.parameter.sizes());
  if (HasKernels(tensors.parameter) && HasKernels(grad)) {
    return cpu::AdamWStep(tensors, grad.contiguous(), options, pace);
  }
  AdamWStepByAten(tensors, grad, options, pace);
}

void AdamWStepByAten(const AdamWTensors& tensors, const at::Tensor& grad, const AdamWOptions& options,
                     const AdamWPace& pace) {
  const at::NoGradGuard no_grad;
  const auto step = static_cast<double>(pace.step);
  const double correction1 = 1 - std::pow(options.beta1, step),
               correction2 = 1 - std::pow(options.beta2, step);
  const auto& [parameter, master, exp_avg, exp_avg_sq] = tensors;
  const at::Tensor g = grad.to(master.scalar_type()) * pace.grad_scale;
  exp_avg.add_(g - exp_avg, 1 - options.beta1);
  exp_avg_sq.mul_(options.beta2).addcmul_(g, g, 1 - options.beta2);
  const at::Tensor denominator = (exp_avg_sq.sqrt() * (1 / std::sqrt(correction2))).add_(options.epsilon);
  master.mul_(1 - pace.learning_rate * options.weight_decay)
      .addcdiv_(exp_avg, denominator, -pace.learning_rate / correction1);
  if (!master.is_alias_of(parameter)) parameter.copy_(master);
}

}  // namespace gemtune::ops
