#include "cuda/code_for_card.h"

#include <cuda_runtime.h>

namespace gemtune::kernels::cuda {
namespace {

__global__ void Nothing() {}

}  // namespace

std::string CodeForCardTrouble() {
  cudaFuncAttributes attributes;
  const cudaError_t error = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(&Nothing));
  if (error == cudaSuccess) return "";
  cudaGetLastError();
  int card = 0;
  cudaDeviceProp properties = {};
  if (error == cudaErrorNoKernelImageForDevice && cudaGetDevice(&card) == cudaSuccess &&
      cudaGetDeviceProperties(&properties, card) == cudaSuccess) {
    const std::string capability = std::to_string(properties.major) + std::to_string(properties.minor);
    return std::string("this build has no code for ") + properties.name +
           "; build with -DGEMTUNE_CUDA_ARCHITECTURES=" + capability;
  }
  return std::string("the card cannot be used: ") + cudaGetErrorString(error);
}

}  // namespace gemtune::kernels::cuda
