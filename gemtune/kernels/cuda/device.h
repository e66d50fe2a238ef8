#pragma once

// What the kernels in this folder are written with. They are compiled by nvcc for a card, and by g++ for
// tests on the processor (on_host.h).

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#else
#include "gemtune/kernels/cuda/on_host.h"
#endif

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "gemtune/base/float16.h"
#include "gemtune/kernels/cuda/kernels.h"
#include "gemtune/kernels/floats.h"

namespace gemtune::kernels::cuda {

constexpr int kWarp = 32;

// ---- Numbers: fp32 or bf16 in memory, fp32 in registers.

__device__ inline float ToFloat(float x) {
  return x;
}
__device__ inline float ToFloat(BFloat16 x) {
  return FloatFromBFloat16(x.bits);
}
__device__ inline void Put(float value, float& x) {
  x = value;
}
__device__ inline void Put(float value, BFloat16& x) {
#if defined(__CUDA_ARCH__)
  x.bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
#else
  x.bits = BFloat16FromFloat(value);
#endif
}

// N numbers that are read and written at once; their address must be a multiple of their size.
template <typename T, int N>
struct alignas(sizeof(T) * N) Pack {
  T at[N];
};
template <int N, typename T>
__device__ void Load(const T* from, float (&x)[N]) {
  const Pack<T, N> pack = *reinterpret_cast<const Pack<T, N>*>(from);
  for (int i = 0; i < N; ++i) x[i] = ToFloat(pack.at[i]);
}
template <int N, typename T>
__device__ void Store(const float (&x)[N], T* to) {
  Pack<T, N> pack;
  for (int i = 0; i < N; ++i) Put(x[i], pack.at[i]);
  *reinterpret_cast<Pack<T, N>*>(to) = pack;
}

// ---- Sums over a warp or a block, in an order that depends on its size alone. Every thread gets the result.

__device__ inline float WarpSum(float x) {
  for (int other = kWarp / 2; other > 0; other /= 2) x += __shfl_xor_sync(0xffffffffu, x, other);
  return x;
}

// All threads of the block must call it; their number is a multiple of 32.
__device__ inline float BlockSum(float x) {
  __shared__ float of_warps[kWarp];
  x = WarpSum(x);
  __syncthreads();  // the sums of a call before may still be read
  if (threadIdx.x % kWarp == 0) of_warps[threadIdx.x / kWarp] = x;
  __syncthreads();
  float sum = 0;
  for (unsigned warp = 0; warp < blockDim.x / kWarp; ++warp) sum += of_warps[warp];
  return sum;
}

// ---- Launching.

struct Grid {
  int64_t blocks;
  int threads;  // of a block, a multiple of 32
};

#if defined(__CUDACC__)

inline void Check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

template <typename... Parameters, typename... Arguments>
void Launch(void (*kernel)(Parameters...), Grid grid, Stream stream, const Arguments&... arguments) {
  if (grid.blocks == 0) return;
  kernel<<<static_cast<unsigned>(grid.blocks), static_cast<unsigned>(grid.threads), 0,
           static_cast<cudaStream_t>(stream)>>>(static_cast<Parameters>(arguments)...);
  Check(cudaGetLastError());
}

#else

template <typename... Parameters, typename... Arguments>
void Launch(void (*kernel)(Parameters...), Grid grid, Stream /*stream*/, const Arguments&... arguments) {
  on_host::Block& block = on_host::Block::Instance();
  block.block_dim_.x = static_cast<unsigned>(grid.threads);
  block.grid_dim_.x = static_cast<unsigned>(grid.blocks);
  for (int64_t i = 0; i < grid.blocks; ++i) {
    block.block_index_.x = static_cast<unsigned>(i);
    block.Run(grid.threads, [&] { kernel(static_cast<Parameters>(arguments)...); });
  }
}

#endif

constexpr int64_t CeilDiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// Threads for rows of `packs` packs each, so that none of a few rounds over a row is half empty.
inline int ThreadsOfRow(int64_t packs, int64_t most = 512) {
  const int64_t rounds = std::max<int64_t>(1, CeilDiv(packs, most));
  return static_cast<int>(std::max<int64_t>(1, CeilDiv(CeilDiv(packs, rounds), kWarp)) * kWarp);
}

// Whether rows of `width` numbers from all these addresses on can be read N at a time.
template <int N, typename... Pointers>
bool ReadsPacks(int64_t width, const Pointers&... pointers) {
  const auto fits = [](const auto& pointer) {
    const size_t bytes = (pointer.is_bf16() ? 2 : 4) * N;
    return reinterpret_cast<uintptr_t>(pointer.data()) % bytes == 0;
  };
  return width % N == 0 && (fits(pointers) && ...);
}

// Calls body(std::integral_constant<int, N>) with N = kMost if packs can be read, else with 1.
template <int kMost, typename Body>
void WithPack(bool reads_packs, Body&& body) {
  reads_packs ? body(std::integral_constant<int, kMost>()) : body(std::integral_constant<int, 1>());
}

// The numbers of a FloatPointer.
template <typename T>
const T* As(ConstFloats x) {
  return static_cast<const T*>(x.data());
}
template <typename T>
T* As(Floats x) {
  return static_cast<T*>(x.data());
}

// ---- Gradients of a weight that all rows share.

// Sums the parts [num_parts, dim] that blocks have left into dw [dim], fp32 or bf16.
void SumParts(int64_t num_parts, int64_t dim, const float* parts, Floats dw, Stream stream);

}  // namespace gemtune::kernels::cuda
