#include "gemtune/ops/uniform_noise.h"

#include <ATen/ATen.h>

#include "gemtune/ops/cpu.h"

namespace gemtune::ops {

at::Tensor UniformNoise(at::IntArrayRef shape, uint64_t key, const Device& device) {
  return cpu::UniformNoise(shape, key).to(device);
}

}  // namespace gemtune::ops
