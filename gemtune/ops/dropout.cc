#include "gemtune/ops/dropout.h"

#include <ATen/ATen.h>

#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

at::Tensor Dropout(const at::Tensor& x, double rate, uint64_t key) {
  if (rate == 0) return x;
  return HasKernels(x) ? cpu::Dropout(x.contiguous(), rate, key) : DropoutByAten(x, rate, key);
}

// x times a mask of 0 and 1 / (1 − rate), in fp32 (or double) and rounded once, as the kernel does.
at::Tensor DropoutByAten(const at::Tensor& x, double rate, uint64_t key) {
  if (rate == 0) return x;
  return (x * cpu::DropoutMask(x.sizes(), rate, key).to(x.device())).to(x.scalar_type());
}

uint64_t DropoutKey(uint64_t key, uint64_t stream) {
  return cpu::DropoutKey(key, stream);
}

}  // namespace gemtune::ops
