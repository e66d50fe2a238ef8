#pragma once

#include <ATen/core/Tensor.h>

namespace gemtune::ops {

// Where tensors lie. The layers above know devices only by these names.

using Device = at::Device;

/// The processor and its memory: what every program has, and where host_memory.h reaches.
inline Device Host() {
  return at::kCPU;
}

inline bool IsOnHost(const at::Tensor& tensor) {
  return tensor.device().is_cpu();
}

/// For tensors that are shapes alone, without memory: what a model's outline is made of.
inline Device Nowhere() {
  return at::kMeta;
}

inline bool IsNowhere(const Device& device) {
  return device.is_meta();
}

}  // namespace gemtune::ops
