#include "gemtune/ops/cuda.h"
#include "gemtune/ops/cuda_kernels.h"

namespace gemtune::ops::cuda {

using kernels::cuda::Kernels;

at::Tensor Dropout(const at::Tensor& x, double rate, uint64_t key) {
  at::Tensor y = at::empty(x.sizes(), x.options());
  Call(&Kernels::Dropout, x.numel(), ConstFloatsOf(x), rate, key, FloatsOf(y));
  return y;
}

at::Tensor UniformNoise(at::IntArrayRef shape, uint64_t key, const Device& device) {
  at::Tensor y = at::empty(shape, at::TensorOptions(at::kFloat).device(device));
  Call(&Kernels::UniformNoise, y.numel(), key, y.data_ptr<float>());
  return y;
}

}  // namespace gemtune::ops::cuda
