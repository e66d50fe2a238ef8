#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "gemtune/ops/device.h"

namespace gemtune::ops {

/// fp32 numbers uniform in [−1, 1), each of which depends only on `key` and its index, on every device.
at::Tensor UniformNoise(at::IntArrayRef shape, uint64_t key, const Device& device);

}  // namespace gemtune::ops
