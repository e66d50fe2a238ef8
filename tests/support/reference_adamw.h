#pragma once

#include <ATen/ATen.h>

#include <cmath>

#include "gemtune/ops/adamw_step.h"

namespace gemtune::test {

/// torch.optim.AdamW's equations in double on a dense gradient.
class ReferenceAdamW {
 public:
  ReferenceAdamW(const at::Tensor& start, const ops::AdamWOptions& options)
      : parameter(start.to(at::kDouble).clone()),
        m_(at::zeros_like(parameter)),
        v_(at::zeros_like(parameter)),
        options_(options) {}

  void Step(const at::Tensor& grad, double lr) {
    ++step_;
    parameter.mul_(1 - lr * options_.weight_decay);
    m_.mul_(options_.beta1).add_(grad, 1 - options_.beta1);
    v_.mul_(options_.beta2).add_(grad * grad, 1 - options_.beta2);
    const double correction1 = 1 - std::pow(options_.beta1, step_),
                 correction2 = 1 - std::pow(options_.beta2, step_);
    parameter.sub_(lr / correction1 * m_ / ((v_ / correction2).sqrt() + options_.epsilon));
  }
  at::Tensor parameter;

 private:
  at::Tensor m_, v_;
  ops::AdamWOptions options_;
  int step_ = 0;
};

}  // namespace gemtune::test
