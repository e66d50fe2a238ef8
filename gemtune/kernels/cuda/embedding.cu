#include "gemtune/kernels/cuda/device.h"

namespace gemtune::kernels::cuda {
namespace {

template <int N, typename T>
__global__ void Forward(int64_t dim, const T* table, const int64_t* ids, float scale, float* y) {
  const int64_t token = blockIdx.x;
  const T* row = table + ids[token] * dim;
  for (int64_t j = N * static_cast<int64_t>(threadIdx.x); j < dim;
       j += N * static_cast<int64_t>(blockDim.x)) {
    float x[N];
    Load(row + j, x);
    for (int i = 0; i < N; ++i) x[i] *= scale;
    Store(x, y + token * dim + j);
  }
}

template <int N, typename T>
__global__ void Backward(int64_t dim, const int64_t* begins, const int64_t* order, const float* dy,
                         float scale, T* drows) {
  const int64_t row = blockIdx.x, begin = begins[row], end = begins[row + 1];
  for (int64_t j = N * static_cast<int64_t>(threadIdx.x); j < dim;
       j += N * static_cast<int64_t>(blockDim.x)) {
    float sum[N] = {};
#pragma unroll 4
    for (int64_t k = begin; k < end; ++k) {
      float x[N];
      Load(dy + order[k] * dim + j, x);
      for (int i = 0; i < N; ++i) sum[i] += x[i];
    }
    for (int i = 0; i < N; ++i) sum[i] *= scale;
    Store(sum, drows + row * dim + j);
  }
}

}  // namespace

void EmbeddingForward(int64_t tokens, int64_t dim, ConstFloats table, const int64_t* ids, float scale,
                      float* y, Stream stream) {
  WithTypeOf(
      [&]<typename T>(T) {
        WithPack<4>(ReadsPacks<4>(dim, table, Floats(y)), [&](auto n) {
          constexpr int kN = decltype(n)::value;
          Launch(&Forward<kN, T>, {tokens, ThreadsOfRow(CeilDiv(dim, kN))}, stream, dim, As<T>(table), ids,
                 scale, y);
        });
      },
      table);
}

void EmbeddingBackward(int64_t rows, int64_t dim, const int64_t* begins, const int64_t* order,
                       const float* dy, float scale, Floats drows, Stream stream) {
  WithTypeOf(
      [&]<typename T>(T) {
        WithPack<4>(ReadsPacks<4>(dim, ConstFloats(dy), drows), [&](auto n) {
          constexpr int kN = decltype(n)::value;
          Launch(&Backward<kN, T>, {rows, ThreadsOfRow(CeilDiv(dim, kN))}, stream, dim, begins, order, dy,
                 scale, As<T>(drows));
        });
      },
      drows);
}

}  // namespace gemtune::kernels::cuda
