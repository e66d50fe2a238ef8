#include "gemtune/kernels/cuda/device.h"

namespace gemtune::kernels::cuda {
namespace {

constexpr int64_t kMostThreads = 512;
constexpr int kNumbersAThread = 12;  // of a row, in registers: rows of up to 6,144 numbers

// Calls body(j) for the packs of N numbers of a row that belong to this thread, j their first column.
template <int N, typename Body>
__device__ void ForEachPack(int64_t dim, const Body& body) {
#pragma unroll
  for (int p = 0; p < kNumbersAThread / N; ++p) {
    const int64_t j = N * (static_cast<int64_t>(threadIdx.x) + static_cast<int64_t>(p) * blockDim.x);
    if (j < dim) body(p, j);
  }
}

// 1 / √(mean(x²) + ε) of a row.
template <int N, typename X>
__device__ float InverseRms(int64_t dim, const X* row, float eps) {
  float sum = 0;
  ForEachPack<N>(dim, [&](int, int64_t j) {
    float x[N];
    Load(row + j, x);
    for (int i = 0; i < N; ++i) sum += x[i] * x[i];
  });
  return rsqrtf(BlockSum(sum) / static_cast<float>(dim) + eps);
}

// A block a row: y = RmsNorm(x), or residual + that.
template <int N, typename X, typename W, typename Y>
__global__ void Forward(int64_t dim, const float* residual, const X* x, const W* w, float eps, Y* y) {
  const int64_t begin = static_cast<int64_t>(blockIdx.x) * dim;
  const float r = InverseRms<N>(dim, x + begin, eps);
  ForEachPack<N>(dim, [&](int, int64_t j) {
    float value[N], weight[N];
    Load(x + begin + j, value);
    Load(w + j, weight);
    for (int i = 0; i < N; ++i) value[i] *= r * (1.0f + weight[i]);
    if (residual != nullptr) {
      float before[N];
      Load(residual + begin + j, before);
      for (int i = 0; i < N; ++i) value[i] += before[i];
    }
    Store(value, y + begin + j);
  });
}

// Each block takes every so many rows and sums its part of dw in registers.
template <int N, typename X, typename W, typename Dy, typename Dx>
__global__ void Backward(int64_t rows, int64_t dim, const X* x, const W* w, float eps, const Dy* dy, Dx* dx,
                         float* parts) {
  float dw[kNumbersAThread / N][N] = {};
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const X* x_row = x + row * dim;
    const Dy* dy_row = dy + row * dim;
    const float r = InverseRms<N>(dim, x_row, eps);
    float dot = 0;  // Σ g·x
    ForEachPack<N>(dim, [&](int p, int64_t j) {
      float value[N], weight[N], grad[N];
      Load(x_row + j, value);
      Load(w + j, weight);
      Load(dy_row + j, grad);
      for (int i = 0; i < N; ++i) {
        dot += grad[i] * (1.0f + weight[i]) * value[i];
        dw[p][i] += grad[i] * value[i] * r;
      }
    });
    const float shift = BlockSum(dot) / static_cast<float>(dim) * r * r;
    ForEachPack<N>(dim, [&](int, int64_t j) {
      float value[N], weight[N], grad[N];
      Load(x_row + j, value);
      Load(w + j, weight);
      Load(dy_row + j, grad);
      for (int i = 0; i < N; ++i) value[i] = r * (grad[i] * (1.0f + weight[i]) - value[i] * shift);
      Store(value, dx + row * dim + j);
    });
  }
  ForEachPack<N>(dim, [&](int p, int64_t j) {
    for (int i = 0; i < N; ++i) parts[static_cast<int64_t>(blockIdx.x) * dim + j + i] = dw[p][i];
  });
}

// 32 columns a block, 8 threads of it for each.
template <typename W>
__global__ void SumPartsKernel(int64_t num_parts, int64_t dim, const float* parts, W* dw) {
  __shared__ float sums[8][kWarp];
  const int64_t column = static_cast<int64_t>(blockIdx.x) * kWarp + threadIdx.x % kWarp;
  const int first = static_cast<int>(threadIdx.x / kWarp);
  float sum = 0;
  if (column < dim) {
    for (int64_t part = first; part < num_parts; part += 8) sum += parts[part * dim + column];
  }
  sums[first][threadIdx.x % kWarp] = sum;
  __syncthreads();
  if (first > 0 || column >= dim) return;
  for (int i = 1; i < 8; ++i) sum += sums[i][threadIdx.x];
  Put(sum, dw[column]);
}

void CheckDim(int64_t dim) {
  if (dim > kMostThreads * kNumbersAThread) throw std::logic_error("a row is too long for the kernel");
}

template <typename X, typename Y>
void RunForward(int64_t rows, int64_t dim, const float* residual, X x, ConstFloats w, float eps, Y y,
                Stream stream) {
  CheckDim(dim);
  const auto launch = [&]<typename Tx, typename Tw, typename Ty>(Tx, Tw, Ty) {
    WithPack<4>(ReadsPacks<4>(dim, x, w, y), [&](auto n) {
      constexpr int kN = decltype(n)::value;
      Launch(&Forward<kN, Tx, Tw, Ty>, {rows, ThreadsOfRow(CeilDiv(dim, kN), kMostThreads)}, stream, dim,
             residual, As<Tx>(x), As<Tw>(w), eps, As<Ty>(y));
    });
  };
  WithTypeOf(
      [&]<typename W>(W) {
        if (residual == nullptr) {
          launch(float(), W(), W());
        } else {
          launch(W(), W(), float());
        }
      },
      w);
}

}  // namespace

void SumParts(int64_t num_parts, int64_t dim, const float* parts, Floats dw, Stream stream) {
  WithTypeOf(
      [&]<typename W>(W) {
        Launch(&SumPartsKernel<W>, {CeilDiv(dim, kWarp), 8 * kWarp}, stream, num_parts, dim, parts,
               As<W>(dw));
      },
      dw);
}

void RmsNormForward(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, Floats y,
                    Stream stream) {
  RunForward(rows, dim, nullptr, ConstFloats(x), w, eps, y, stream);
}

void AddRmsNormForward(int64_t rows, int64_t dim, const float* residual, ConstFloats x, ConstFloats w,
                       float eps, float* sum, Stream stream) {
  RunForward(rows, dim, residual, x, w, eps, Floats(sum), stream);
}

void RmsNormBackward(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, ConstFloats dy,
                     float* dx, Floats dw, float* parts, Stream stream) {
  CheckDim(dim);
  const int64_t blocks = std::clamp<int64_t>(rows, 1, kWeightParts);
  WithTypeOf(
      [&]<typename W>(W) {
        WithPack<4>(ReadsPacks<4>(dim, ConstFloats(x), w, dy, Floats(dx)), [&](auto n) {
          constexpr int kN = decltype(n)::value;
          Launch(&Backward<kN, float, W, W, float>, {blocks, ThreadsOfRow(CeilDiv(dim, kN), kMostThreads)},
                 stream, rows, dim, x, As<W>(w), eps, As<W>(dy), dx, parts);
        });
      },
      w, dy);
  SumParts(blocks, dim, parts, dw, stream);
}

void AddRmsNormBackward(int64_t rows, int64_t dim, ConstFloats x, ConstFloats w, float eps, const float* dsum,
                        Floats dx, Floats dw, float* parts, Stream stream) {
  CheckDim(dim);
  const int64_t blocks = std::clamp<int64_t>(rows, 1, kWeightParts);
  WithTypeOf(
      [&]<typename W>(W) {
        WithPack<4>(ReadsPacks<4>(dim, x, w, ConstFloats(dsum), dx), [&](auto n) {
          constexpr int kN = decltype(n)::value;
          Launch(&Backward<kN, W, W, float, W>, {blocks, ThreadsOfRow(CeilDiv(dim, kN), kMostThreads)},
                 stream, rows, dim, As<W>(x), As<W>(w), eps, dsum, As<W>(dx), parts);
        });
      },
      w, x, dx);
  SumParts(blocks, dim, parts, dw, stream);
}

}  // namespace gemtune::kernels::cuda
