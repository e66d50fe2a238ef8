#include "gemtune/ops/sum_of_squares.h"

#include <ATen/ATen.h>

#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

at::Tensor SumOfSquares(const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  if (HasKernels(x)) return cpu::SumOfSquares(x.contiguous());
  return x.to(at::kDouble).square().sum();
}

}  // namespace gemtune::ops
