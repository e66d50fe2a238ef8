#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "gemtune/ops/adamw_step.h"
#include "gemtune/ops/row_adamw_step.h"

// What kernels do of the ops, for tensors that HasKernels: the contracts are those of the ops, which have
// checked what they are given and made it contiguous. x.cc chooses, x_cpu.cc includes the kernels; another
// device comes beside it as x_cuda.cc, with a list like this one.
namespace gemtune::ops::cpu {

void AdamWStep(const AdamWTensors& tensors, const at::Tensor& grad, const AdamWOptions& options,
               const AdamWPace& pace);
void CatchUpRows(AdamWRows& rows, std::span<const int64_t> slots, int64_t step);
void StepRows(AdamWRows& rows, std::span<const int64_t> slots, const at::Tensor& grads, double grad_scale);

at::Tensor SumOfSquares(const at::Tensor& x);

}  // namespace gemtune::ops::cpu
