#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace gemtune::ops {

/// Options that are the same in all steps.
struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;

  bool operator==(const AdamWOptions&) const = default;
};

/// The settings of one step.
struct AdamWPace {
  double learning_rate = 0;
  double grad_scale = 1;  // a factor on the gradient: clipping without a separate pass
  int64_t step = 1;       // counted from 1, for the bias correction
};

/// A parameter and AdamW's state for it, all of one shape and on one device.
struct AdamWTensors {
  at::Tensor parameter;
  at::Tensor master;  // the updated copy, in ComputeType(parameter); the parameter itself if it has that type
  at::Tensor exp_avg, exp_avg_sq;  // moments, of the master's dtype
};

/// One AdamW step (Loshchilov & Hutter 2019, algorithm 2) as torch.optim.AdamW does it: p −= lr·λ·p; m += (1
/// − β1)(g − m); v = β2·v + (1 − β2)·g²; p −= lr/(1 − β1^t) · m / (√v/√(1 − β2^t) + ε) where p is the master,
/// which is then rounded into the parameter. grad of any float dtype, dense. Not differentiable.
void AdamWStep(const AdamWTensors& tensors, const at::Tensor& grad, const AdamWOptions& options,
               const AdamWPace& pace);

/// A parameter's part of a step.
struct AdamWItem {
  AdamWTensors tensors;
  at::Tensor grad;
  AdamWOptions options;
};

/// The step of many parameters, on a card in few launches.
void AdamWSteps(std::span<const AdamWItem> items, const AdamWPace& pace);

/// The same as a composition of ATen calls, for any dtype and device.
void AdamWStepByAten(const AdamWTensors& tensors, const at::Tensor& grad, const AdamWOptions& options,
                     const AdamWPace& pace);

}  // namespace gemtune::ops
