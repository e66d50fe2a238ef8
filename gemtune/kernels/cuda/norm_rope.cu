#include "gemtune/kernels/cuda/device.h"

namespace gemtune::kernels::cuda {
namespace {

constexpr int kWarps = 8;  // of a block; each takes a head of a row
constexpr int64_t kMostHeadDim = 256;
constexpr int kPairsALane = kMostHeadDim / 2 / kWarp;

struct Shape {
  int64_t items, heads, half;  // items: rows · heads; half: head_dim / 2
  float eps;
  const float* cos;
  const float* sin;
  const int64_t* positions;

  __device__ int64_t Row(int64_t item) const { return item / heads; }
  // Where a head begins, if rows are `stride` numbers apart.
  __device__ int64_t Begin(int64_t item, int64_t stride) const {
    return Row(item) * stride + item % heads * 2 * half;
  }
};

// Calls body(p, i) for the pairs (i .. i + N, half + i ..) of a head that belong to this lane.
template <int N, typename Body>
__device__ void ForEachPair(int64_t half, const Body& body) {
#pragma unroll
  for (int p = 0; p < kPairsALane / N; ++p) {
    const int64_t i = N * (static_cast<int64_t>(threadIdx.x % kWarp) + p * kWarp);
    if (i < half) body(p, i);
  }
}

// What a lane holds of a head: both halves.
template <int N>
struct Head {
  float first[kPairsALane / N][N], second[kPairsALane / N][N];
};

template <int N, typename T>
__device__ float LoadHead(int64_t half, const T* x, float eps, Head<N>& head) {
  float sum = 0;
  ForEachPair<N>(half, [&](int p, int64_t i) {
    Load(x + i, head.first[p]);
    Load(x + half + i, head.second[p]);
    for (int k = 0; k < N; ++k)
      sum += head.first[p][k] * head.first[p][k] + head.second[p][k] * head.second[p][k];
  });
  return rsqrtf(WarpSum(sum) / static_cast<float>(2 * half) + eps);
}

template <int N, typename T>
__global__ void Forward(Shape shape, const T* x, int64_t x_stride, const T* w, T* y, int64_t y_stride) {
  const int64_t item = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp, half = shape.half;
  if (item >= shape.items) return;
  Head<N> head;
  const float r = LoadHead<N>(half, x + shape.Begin(item, x_stride), shape.eps, head);
  const int64_t angle = shape.positions[shape.Row(item)] * half;
  T* to = y + shape.Begin(item, y_stride);
  ForEachPair<N>(half, [&](int p, int64_t i) {
    float cos[N], sin[N], w1[N], w2[N], y1[N], y2[N];
    Load(shape.cos + angle + i, cos);
    Load(shape.sin + angle + i, sin);
    Load(w + i, w1);
    Load(w + half + i, w2);
    for (int k = 0; k < N; ++k) {
      const float n1 = head.first[p][k] * r * (1.0f + w1[k]), n2 = head.second[p][k] * r * (1.0f + w2[k]);
      y1[k] = n1 * cos[k] - n2 * sin[k];
      y2[k] = n2 * cos[k] + n1 * sin[k];
    }
    Store(y1, to + i);
    Store(y2, to + half + i);
  });
}

// Each warp takes every so many heads; a block's sum of dw goes to its part.
template <int N, typename T>
__global__ void Backward(Shape shape, const T* x, int64_t x_stride, const T* w, const T* dy,
                         int64_t dy_stride, T* dx, int64_t dx_stride, float* parts) {
  __shared__ float of_warps[kWarps][kMostHeadDim];
  const int64_t half = shape.half;
  Head<N> dw = {};
  for (int64_t item = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp; item < shape.items;
       item += static_cast<int64_t>(gridDim.x) * kWarps) {
    Head<N> head, grad;
    const float r = LoadHead<N>(half, x + shape.Begin(item, x_stride), shape.eps, head);
    const int64_t angle = shape.positions[shape.Row(item)] * half;
    const T* from = dy + shape.Begin(item, dy_stride);
    float dot = 0;  // Σ g·x, g = dn · (1 + w)
    ForEachPair<N>(half, [&](int p, int64_t i) {
      float cos[N], sin[N], w1[N], w2[N], dy1[N], dy2[N];
      Load(shape.cos + angle + i, cos);
      Load(shape.sin + angle + i, sin);
      Load(w + i, w1);
      Load(w + half + i, w2);
      Load(from + i, dy1);
      Load(from + half + i, dy2);
      for (int k = 0; k < N; ++k) {
        const float dn1 = dy1[k] * cos[k] + dy2[k] * sin[k], dn2 = dy2[k] * cos[k] - dy1[k] * sin[k];
        dw.first[p][k] += dn1 * head.first[p][k] * r;
        dw.second[p][k] += dn2 * head.second[p][k] * r;
        grad.first[p][k] = dn1 * (1.0f + w1[k]);
        grad.second[p][k] = dn2 * (1.0f + w2[k]);
        dot += grad.first[p][k] * head.first[p][k] + grad.second[p][k] * head.second[p][k];
      }
    });
    const float shift = WarpSum(dot) / static_cast<float>(2 * half) * r * r;
    T* to = dx + shape.Begin(item, dx_stride);
    ForEachPair<N>(half, [&](int p, int64_t i) {
      for (int k = 0; k < N; ++k) {
        grad.first[p][k] = r * (grad.first[p][k] - head.first[p][k] * shift);
        grad.second[p][k] = r * (grad.second[p][k] - head.second[p][k] * shift);
      }
      Store(grad.first[p], to + i);
      Store(grad.second[p], to + half + i);
    });
  }
  ForEachPair<N>(half, [&](int p, int64_t i) {
    for (int k = 0; k < N; ++k) {
      of_warps[threadIdx.x / kWarp][i + k] = dw.first[p][k];
      of_warps[threadIdx.x / kWarp][half + i + k] = dw.second[p][k];
    }
  });
  __syncthreads();
  for (int64_t i = threadIdx.x; i < 2 * half; i += blockDim.x) {
    float sum = 0;
    for (int warp = 0; warp < kWarps; ++warp) sum += of_warps[warp][i];
    parts[static_cast<int64_t>(blockIdx.x) * 2 * half + i] = sum;
  }
}

Shape ShapeOf(const NormRopeShape& shape) {
  if (shape.head_dim > kMostHeadDim) throw std::logic_error("a head is too wide for the kernel");
  return {.items = shape.rows * shape.heads,
          .heads = shape.heads,
          .half = shape.head_dim / 2,
          .eps = shape.eps,
          .cos = shape.cos,
          .sin = shape.sin,
          .positions = shape.positions};
}

constexpr int kThreads = kWarps * kWarp;

}  // namespace

void NormRopeForward(const NormRopeShape& shape, ConstFloats x, int64_t x_stride, ConstFloats w, Floats y,
                     int64_t y_stride, Stream stream) {
  const Shape own = ShapeOf(shape);
  const bool packs = x_stride % 4 == 0 && y_stride % 4 == 0 &&
                     ReadsPacks<4>(own.half, x, w, y, ConstFloats(shape.cos), ConstFloats(shape.sin));
  WithTypeOf(
      [&]<typename T>(T) {
        WithPack<4>(packs, [&](auto n) {
          Launch(&Forward<decltype(n)::value, T>, {CeilDiv(own.items, kWarps), kThreads}, stream, own,
                 As<T>(x), x_stride, As<T>(w), As<T>(y), y_stride);
        });
      },
      x, w, y);
}

void NormRopeBackward(const NormRopeShape& shape, ConstFloats x, int64_t x_stride, ConstFloats w,
                      ConstFloats dy, int64_t dy_stride, Floats dx, int64_t dx_stride, Floats dw,
                      float* parts, Stream stream) {
  const Shape own = ShapeOf(shape);
  const bool packs = x_stride % 4 == 0 && dy_stride % 4 == 0 && dx_stride % 4 == 0 &&
                     ReadsPacks<4>(own.half, x, w, dy, dx, ConstFloats(shape.cos), ConstFloats(shape.sin));
  const int64_t blocks = std::clamp<int64_t>(CeilDiv(own.items, kWarps), 1, kWeightParts);
  WithTypeOf(
      [&]<typename T>(T) {
        WithPack<4>(packs, [&](auto n) {
          Launch(&Backward<decltype(n)::value, T>, {blocks, kThreads}, stream, own, As<T>(x), x_stride,
                 As<T>(w), As<T>(dy), dy_stride, As<T>(dx), dx_stride, parts);
        });
      },
      x, w, dy, dx);
  SumParts(blocks, shape.head_dim, parts, dw, stream);
}

}  // namespace gemtune::kernels::cuda
