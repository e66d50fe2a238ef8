#include <ATen/ATen.h>

#include "gemtune/kernels/adamw.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops::cpu {

at::Tensor SumOfSquares(const at::Tensor& x) {
  return at::scalar_tensor(kernels::SumOfSquares(x.numel(), ConstFloatsOf(x)), at::kDouble);
}

}  // namespace gemtune::ops::cpu
