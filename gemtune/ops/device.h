#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gemtune::ops {

// Where tensors are. The layers above use devices only by these names.

using Device = at::Device;

/// The processor and its memory, which host_memory.h gives access to.
inline Device Host() {
  return at::kCPU;
}

inline bool IsHost(const Device& device) {
  return device.is_cpu();
}
inline bool IsOnHost(const at::Tensor& tensor) {
  return IsHost(tensor.device());
}

/// Whether it is on a card, where the kernels of the plugin that FindDevice has loaded can read it.
bool IsOnCard(const at::Tensor& tensor);

/// For tensors that have a shape but no memory, as in a model's outline.
inline Device Nowhere() {
  return at::kMeta;
}

inline bool IsNowhere(const Device& device) {
  return device.is_meta();
}

/// The device of that name: cpu; cuda, a card of NVIDIA's, the first or cuda:N; auto, the first card if there
/// is one that can be used, else the processor. What a card needs is loaded when it is first asked for.
/// Throws Error for a card that cannot be used, saying why.
Device FindDevice(const std::string& name);

/// What FindDevice takes, for messages.
inline constexpr char kDeviceNames[] = "auto, cpu, cuda or cuda:N";

/// From now on, work on cards gives the same bits each time; to be called before a card is used.
void UseDeterministicAlgorithms();

struct DeviceInfo {
  std::string name;        // "NVIDIA H100 80GB HBM3"
  std::string capability;  // "9.0"
  int64_t total_bytes = 0;
  int64_t free_bytes = 0;  // now
};

/// For devices with memory of their own.
DeviceInfo InfoOf(const Device& device);

/// The most bytes that tensors on this device have taken so far; its memory must be its own.
int64_t PeakBytes(const Device& device);

/// Whether it multiplies bf16 natively; a processor without such instructions widens the numbers first.
bool HasFastBFloat16(const Device& device);

/// The processor's optional instructions that kernels use, for reports: {"avx2", "avx512"}.
std::vector<std::string> InstructionsInUse();

/// Waits for all work that was begun on it.
void Synchronize(const Device& device);

/// A copy of `tensor`, on the host, for work that is begun on the device after this call. Does not wait,
/// neither for the copy nor for other work. A tensor that is there already is itself.
at::Tensor Upload(const at::Tensor& tensor, const Device& device);

/// The same for numbers, int64 or int32.
template <typename T>
at::Tensor UploadNumbers(const std::vector<T>& numbers, const Device& device);

}  // namespace gemtune::ops
