#include "gemtune/ops/dropout.h"

#include <ATen/ATen.h>

#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

at::Tensor Dropout(const at::Tensor& x, double rate, uint64_t key) {
  if (rate == 0) return x;
  if (!HasKernels(x)) return DropoutByAten(x, rate, key);
  return Choose(x, cpu::Dropout, cuda::Dropout)(x.contiguous(), rate, key);
}

// x times a mask of 0 and 1 / (1 − rate), in fp32 (or double) and rounded once, as the kernel does.
at::Tensor DropoutByAten(const at::Tensor& x, double rate, uint64_t key) {
  if (rate == 0) return x;
  const at::Tensor ones = at::ones(x.sizes(), x.options().dtype(at::kFloat));
  const at::Tensor mask = cuda::Handles(ones) ? cuda::Dropout(ones, rate, key)
                                              : Upload(cpu::DropoutMask(x.sizes(), rate, key), x.device());
  return (x * mask).to(x.scalar_type());
}

uint64_t DropoutKey(uint64_t key, uint64_t stream) {
  return cpu::DropoutKey(key, stream);
}

}  // namespace gemtune::ops
