#pragma once

#include "gemtune/kernels/adamw.h"
#include "gemtune/ops/adamw_step.h"

namespace gemtune::ops::cpu {

/// A step's options in the kernel's form.
inline kernels::AdamWStepOptions KernelOptions(const AdamWOptions& options, const AdamWPace& pace) {
  return {.learning_rate = pace.learning_rate,
          .beta1 = options.beta1,
          .beta2 = options.beta2,
          .epsilon = options.epsilon,
          .weight_decay = options.weight_decay,
          .grad_scale = pace.grad_scale,
          .step = pace.step};
}

}  // namespace gemtune::ops::cpu
