#pragma once

#include "gemtune/ops/cuda_plugin.h"

namespace gemtune::test {

/// The kernels for a card as kernels/cuda/on_host.h runs them, for tensors on the processor; FlashAttention
/// is a composition of ATen calls. So a machine without a card tests all of the way of a card but ATen's own
/// part.
const ops::CudaPlugin& CudaOnHost();

/// As long as it is there, ops on the processor's tensors take that way.
class WithCudaOnHost {
 public:
  WithCudaOnHost() { ops::UseCudaPlugin(&CudaOnHost()); }
  ~WithCudaOnHost() { ops::UseCudaPlugin(before_); }
  WithCudaOnHost(const WithCudaOnHost&) = delete;
  WithCudaOnHost& operator=(const WithCudaOnHost&) = delete;

 private:
  const ops::CudaPlugin* before_ = ops::LoadedCudaPlugin();
};

}  // namespace gemtune::test
