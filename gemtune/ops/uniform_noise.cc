#include "gemtune/ops/uniform_noise.h"

#include <ATen/ATen.h>

#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {

at::Tensor UniformNoise(at::IntArrayRef shape, uint64_t key, const Device& device) {
  const bool has_kernel = cuda::Handles(at::empty({0}, at::TensorOptions(at::kFloat).device(device)));
  return has_kernel ? cuda::UniformNoise(shape, key, device) : Upload(cpu::UniformNoise(shape, key), device);
}

}  // namespace gemtune::ops
