#include "gemtune/ops/adamw_step.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

void AdamWStep(const AdamWTensors& tensors, const at::Tensor& grad, const AdamWOptions& options,
               const AdamWPace& pace) {
  const AdamWItem item = {tensors, grad, options};
  AdamWSteps({&item, 1}, pace);
}

void AdamWSteps(std::span<const AdamWItem> items, const AdamWPace& pace) {
  std::vector<std::vector<AdamWItem>> on_card;  // by their options
  for (const AdamWItem& item : items) {
    const auto& [tensors, grad, options] = item;
    GEMTUNE_CHECK(grad.sizes() == tensors.parameter.sizes());
    if (cpu::Handles(tensors.parameter) && cpu::Handles(grad)) {
      cpu::AdamWStep(tensors, grad.contiguous(), options, pace);
    } else if (cuda::Handles(tensors.parameter) && cuda::Handles(grad)) {
      const auto group =
          std::ranges::find_if(on_card, [&](const auto& some) { return some.front().options == options; });
      auto& own = group != on_card.end() ? *group : on_card.emplace_back();
      own.push_back({tensors, grad.contiguous(), options});
    } else {
      AdamWStepByAten(tensors, grad, options, pace);
    }
  }
  for (const auto& group : on_card) cuda::AdamWSteps(group, pace);
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
