// libgemtune_cuda.so: all that needs CUDA's headers and libraries, behind one function. The program loads it
// when a card is asked for (ops/cuda_plugin.h).

#include <ATen/ATen.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "cuda/code_for_card.h"
#include "gemtune/ops/cuda_plugin.h"

namespace gemtune::ops {
namespace {

std::string Version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

// Why there is no card, or "" if there are some.
std::string CountCards(int& count) {
  count = 0;
  int driver = 0;
  cudaDriverGetVersion(&driver);
  if (driver == 0)
    return "this machine has no driver of NVIDIA's (libcuda.so.1); install one, or use `device` cpu";
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return "";
  cudaGetLastError();
  if (error == cudaErrorInsufficientDriver) {
    return "the driver knows CUDA up to " + Version(driver) + ", and LibTorch is for " +
           Version(CUDART_VERSION) + "; install a newer driver, or use `device` cpu";
  }
  if (error == cudaSuccess || error == cudaErrorNoDevice) {
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    return std::string("there is no card") +
           (visible != nullptr ? std::string(" (CUDA_VISIBLE_DEVICES is '") + visible + "')" : "") +
           "; use `device` cpu";
  }
  return std::string("CUDA does not start: ") + cudaGetErrorString(error);
}

std::vector<Card> Cards(std::string& trouble) {
  int count = 0;
  trouble = CountCards(count);
  std::vector<Card> cards;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) continue;
    cards.push_back({.name = properties.name,
                     .major = properties.major,
                     .minor = properties.minor,
                     .total_bytes = static_cast<int64_t>(properties.totalGlobalMem)});
  }
  return cards;
}

std::string Open(int index) {
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(index));
  const std::string missing = kernels::cuda::CodeForCardTrouble();
  if (!missing.empty()) return missing;
  at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
  return "";
}

// CUDA's free memory, and what LibTorch's allocator keeps without using it.
int64_t FreeBytes(int index) {
  size_t free = 0, total = 0;
  if (cudaMemGetInfo(&free, &total) != cudaSuccess) return 0;
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(index));
  return static_cast<int64_t>(free) + stats.reserved_bytes[0].current - stats.allocated_bytes[0].current;
}

int64_t PeakReservedBytes(int index) {
  return c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(index))
      .reserved_bytes[0]
      .peak;
}

// Keys of a window of W are W - 1 to the left of a query and none to the right. Never is_causal: with one
// query a sequence ATen would turn it off.
int64_t Left(const FlashInput& in) {
  return in.window > 0 ? in.window - 1 : -1;
}

FlashOutput FlashForward(const FlashInput& in) {
  const auto result = at::_flash_attention_forward(in.q, in.k, in.v, in.cu_rows, in.cu_keys, in.most_rows,
                                                   in.most_keys, /*dropout_p=*/0.0, /*is_causal=*/false,
                                                   /*return_debug_mask=*/false, in.scale, Left(in), 0);
  return {.out = std::get<0>(result),
          .lse = std::get<1>(result),
          .rng_state = std::get<2>(result),
          .unused = std::get<3>(result)};
}

FlashGradients FlashBackward(const FlashInput& in, const FlashOutput& output, const at::Tensor& dout) {
  auto [dq, dk, dv] = at::_flash_attention_backward(
      dout, in.q, in.k, in.v, output.out, output.lse, in.cu_rows, in.cu_keys, in.most_rows, in.most_keys,
      /*dropout_p=*/0.0, /*is_causal=*/false, output.rng_state, output.unused, in.scale, Left(in), 0);
  return {dq, dk, dv};
}

}  // namespace
}  // namespace gemtune::ops

extern "C" __attribute__((visibility("default"))) const gemtune::ops::CudaPlugin* gemtune_cuda_plugin() {
  namespace ops = gemtune::ops;
  static const ops::CudaPlugin plugin = {
      .build = GEMTUNE_CUDA_BUILD,
      .device_type = at::kCUDA,
      .kernels = gemtune::kernels::cuda::AllKernels(),
      .current_stream =
          [] {
            return static_cast<gemtune::kernels::cuda::Stream>(c10::cuda::getCurrentCUDAStream().stream());
          },
      .flash_forward = ops::FlashForward,
      .flash_backward = ops::FlashBackward,
      .cards = ops::Cards,
      .open = ops::Open,
      .free_bytes = ops::FreeBytes,
      .peak_bytes = ops::PeakReservedBytes,
      .synchronize = [] { c10::cuda::device_synchronize(); }};
  return &plugin;
}
