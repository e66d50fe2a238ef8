#include "gemtune/kernels/cuda/device.h"

namespace gemtune::kernels::cuda {
namespace {

constexpr int kThreads = 512;

// log Σ exp of some numbers in one pass (Milakov & Gimelshein 2018): the largest, its first place, and Σ
// exp(x − largest).
struct Softmax {
  float largest = -FLT_MAX;
  float sum = 0;
  int64_t place = INT64_MAX;

  __device__ void Add(float x, int64_t at) {
    if (x > largest) {
      sum = sum * expf(largest - x) + 1.0f;
      largest = x;
      place = at;
    } else {
      sum += expf(x - largest);
    }
  }
  __device__ void Add(const Softmax& other) {
    const float most = fmaxf(largest, other.largest);
    sum = sum * expf(largest - most) + other.sum * expf(other.largest - most);
    const bool other_first = other.largest > largest || (other.largest == largest && other.place < place);
    place = other_first ? other.place : place;
    largest = most;
  }
};

// Of a row, by a block; all threads get it.
template <int N, typename T>
__device__ Softmax OfRow(int64_t columns, const T* row) {
  __shared__ Softmax of_warps[kThreads / kWarp];
  Softmax own;
  for (int64_t j = N * static_cast<int64_t>(threadIdx.x); j < columns; j += N * kThreads) {
    float x[N];
    Load(row + j, x);
    for (int i = 0; i < N; ++i) own.Add(x[i], j + i);
  }
  for (int other = kWarp / 2; other > 0; other /= 2) {
    Softmax theirs;
    theirs.largest = __shfl_xor_sync(0xffffffffu, own.largest, other);
    theirs.sum = __shfl_xor_sync(0xffffffffu, own.sum, other);
    theirs.place = __shfl_xor_sync(0xffffffffu, own.place, other);
    own.Add(theirs);
  }
  if (threadIdx.x % kWarp == 0) of_warps[threadIdx.x / kWarp] = own;
  __syncthreads();
  Softmax all = of_warps[0];
  for (int warp = 1; warp < kThreads / kWarp; ++warp) all.Add(of_warps[warp]);
  return all;
}

template <int N, typename T>
__global__ void Losses(int64_t columns, const T* logits, const int64_t* targets, float* losses,
                       uint8_t* is_correct) {
  const int64_t row = blockIdx.x;
  const T* own = logits + row * columns;
  const Softmax softmax = OfRow<N>(columns, own);
  if (threadIdx.x != 0) return;
  losses[row] = logf(softmax.sum) + softmax.largest - ToFloat(own[targets[row]]);
  is_correct[row] = softmax.place == targets[row] ? 1 : 0;
}

template <int N, typename T>
__global__ void Gradients(int64_t columns, T* logits, const int64_t* targets, float* losses) {
  const int64_t row = blockIdx.x, target = targets[row];
  T* own = logits + row * columns;
  const Softmax softmax = OfRow<N>(columns, own);
  if (threadIdx.x == 0) losses[row] = logf(softmax.sum) + softmax.largest - ToFloat(own[target]);
  __syncthreads();  // the target's logit is read before it is overwritten
  const float scale = 1.0f / softmax.sum;
  for (int64_t j = N * static_cast<int64_t>(threadIdx.x); j < columns; j += N * kThreads) {
    float x[N];
    Load(own + j, x);
    for (int i = 0; i < N; ++i) x[i] = expf(x[i] - softmax.largest) * scale - (j + i == target ? 1.0f : 0.0f);
    Store(x, own + j);
  }
}

}  // namespace

void SoftmaxLosses(int64_t rows, int64_t columns, ConstFloats logits, const int64_t* targets, float* losses,
                   uint8_t* is_correct, Stream stream) {
  WithTypeOf(
      [&]<typename T>(T) {
        WithPack<8>(ReadsPacks<8>(columns, logits), [&](auto n) {
          Launch(&Losses<decltype(n)::value, T>, {rows, kThreads}, stream, columns, As<T>(logits), targets,
                 losses, is_correct);
        });
      },
      logits);
}

void SoftmaxGradients(int64_t rows, int64_t columns, Floats logits, const int64_t* targets, float* losses,
                      Stream stream) {
  WithTypeOf(
      [&]<typename T>(T) {
        WithPack<8>(ReadsPacks<8>(columns, logits), [&](auto n) {
          Launch(&Gradients<decltype(n)::value, T>, {rows, kThreads}, stream, columns, As<T>(logits), targets,
                 losses);
        });
      },
      logits);
}

}  // namespace gemtune::kernels::cuda
