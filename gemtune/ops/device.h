#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

// Where tensors are. The layers above use devices only by these names.

using Device = at::Device;

/// The processor and its memory, which host_memory.h gives access to.
inline Device Host() {
  return at::kCPU;
}

inline bool IsOnHost(const at::Tensor& tensor) {
  return tensor.device().is_cpu();
}

/// For tensors that have a shape but no memory, as in a model's outline.
inline Device Nowhere() {
  return at::kMeta;
}

inline bool IsNowhere(const Device& device) {
  return device.is_meta();
}

}  // namespace gemtune::ops
