#include "gemtune/base/split_mix.h"
#include "gemtune/kernels/cuda/device.h"

namespace gemtune::kernels::cuda {
namespace {

constexpr int kThreads = 256;

__device__ int64_t ThreadIndex() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

// A thread a pair of numbers, which share a draw.
template <typename T>
__global__ void DropoutKernel(int64_t n, const T* x, uint64_t dropped_below, float scale, uint64_t key,
                              T* y) {
  const int64_t pair = ThreadIndex();
  const uint64_t bits = SplitMix(key + static_cast<uint64_t>(pair + 1) * kSplitMixStep);
  for (int64_t i = 2 * pair; i < 2 * pair + 2 && i < n; ++i) {
    const uint64_t draw = i % 2 == 0 ? bits >> 32 : bits & 0xFFFFFFFF;
    Put(draw < dropped_below ? 0.0f : ToFloat(x[i]) * scale, y[i]);
  }
}

__global__ void UniformNoiseKernel(int64_t n, uint64_t key, float* y) {
  constexpr float kUnit = 1.0f / (1 << 23);
  const int64_t i = ThreadIndex();
  if (i >= n) return;
  const uint64_t bits = SplitMix(key + static_cast<uint64_t>(i + 1) * kSplitMixStep) >> 40;
  y[i] = static_cast<float>(static_cast<int64_t>(bits) - (1 << 23)) * kUnit;
}

}  // namespace

void Dropout(int64_t n, ConstFloats x, double rate, uint64_t key, Floats y, Stream stream) {
  const auto dropped_below = static_cast<uint64_t>(std::ldexp(rate, 32));
  const auto scale = static_cast<float>(1.0 / (1.0 - rate));
  WithTypeOf(
      [&]<typename T>(T) {
        Launch(&DropoutKernel<T>, {CeilDiv((n + 1) / 2, kThreads), kThreads}, stream, n, As<T>(x),
               dropped_below, scale, key, As<T>(y));
      },
      x, y);
}

void UniformNoise(int64_t n, uint64_t key, float* y, Stream stream) {
  Launch(&UniformNoiseKernel, {CeilDiv(n, kThreads), kThreads}, stream, n, key, y);
}

}  // namespace gemtune::kernels::cuda
