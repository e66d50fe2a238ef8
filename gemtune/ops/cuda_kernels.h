#pragma once

#include <ATen/ATen.h>

#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "gemtune/ops/cuda_plugin.h"
#include "gemtune/ops/kernel_access.h"

// How x_cuda.cc calls the kernels.
namespace gemtune::ops::cuda {

/// Calls a kernel of the plugin, Call(&Kernels::GeGluForward, rows, ...), on the current stream.
template <typename Kernel, typename... Arguments>
void Call(Kernel kernels::cuda::Kernels::*which, Arguments&&... arguments) {
  const CudaPlugin& plugin = *LoadedCudaPlugin();
  (plugin.kernels.*which)(std::forward<Arguments>(arguments)..., plugin.current_stream());
}

/// Room for the parts of a weight's gradient.
inline at::Tensor WeightParts(int64_t dim, const at::Tensor& like) {
  return at::empty({kernels::cuda::kWeightParts, dim}, like.options().dtype(at::kFloat));
}

/// A copy of some structs in the memory of a device, as bytes.
template <typename T>
at::Tensor UploadStructs(const std::vector<T>& structs, const Device& device) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto bytes = static_cast<int64_t>(structs.size() * sizeof(T));
  const at::Tensor host = at::empty({bytes}, at::TensorOptions(at::kByte).pinned_memory(!IsHost(device)));
  if (bytes > 0) std::memcpy(host.mutable_data_ptr(), structs.data(), static_cast<size_t>(bytes));
  return host.to(device, /*non_blocking=*/true);
}
template <typename T>
const T* StructsOf(const at::Tensor& bytes) {
  return static_cast<const T*>(bytes.const_data_ptr());
}

}  // namespace gemtune::ops::cuda
