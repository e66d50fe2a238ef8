#include <ATen/ATen.h>

#include "gemtune/kernels/dropout.h"
#include "gemtune/kernels/uniform_noise.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops::cpu {

at::Tensor Dropout(const at::Tensor& x, double rate, uint64_t key) {
  at::Tensor y = at::empty(x.sizes(), x.options());
  kernels::Dropout(x.numel(), ConstFloatsOf(x), rate, key, FloatsOf(y));
  return y;
}

at::Tensor DropoutMask(at::IntArrayRef shape, double rate, uint64_t key) {
  at::Tensor mask = at::ones(shape, at::kFloat);
  kernels::Dropout(mask.numel(), ConstFloatsOf(mask), rate, key, FloatsOf(mask));
  return mask;
}

at::Tensor UniformNoise(at::IntArrayRef shape, uint64_t key) {
  at::Tensor y = at::empty(shape, at::kFloat);
  kernels::UniformNoise(y.numel(), key, y.data_ptr<float>());
  return y;
}

uint64_t DropoutKey(uint64_t key, uint64_t stream) {
  return kernels::DropoutKey(key, stream);
}

}  // namespace gemtune::ops::cpu
