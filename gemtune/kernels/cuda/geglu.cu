#include "gemtune/kernels/cuda/device.h"

namespace gemtune::kernels::cuda {
namespace {

constexpr int kThreads = 256;

// gelu(x) = x·s with s = σ(2c(x + a·x³)), and its derivative s + x·s(1 − s)·2c(1 + 3a·x²).
struct Gelu {
  __device__ explicit Gelu(float x) {
    constexpr float kTwoC = 1.5957691216057308f, kA = 0.044715f;
    const float s = 1.0f / (1.0f + expf(-kTwoC * (x + kA * x * x * x)));
    value = x * s;
    derivative = s + value * (1.0f - s) * kTwoC * (1.0f + 3.0f * kA * x * x);
  }
  float value, derivative;
};

// A thread a pack of N columns of a row.
template <int N>
struct Place {
  __device__ Place(int64_t rows, int64_t width)
      : index(static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x),
        row(index / (width / N)),
        column(index % (width / N) * N),
        is_inside(row < rows) {}
  int64_t index, row, column;
  bool is_inside;
};

template <int N, typename T>
__global__ void Forward(int64_t rows, int64_t width, const T* gate_up, T* y) {
  const Place<N> at(rows, width);
  if (!at.is_inside) return;
  float gate[N], up[N];
  Load(gate_up + at.row * 2 * width + at.column, gate);
  Load(gate_up + at.row * 2 * width + width + at.column, up);
  for (int i = 0; i < N; ++i) up[i] *= Gelu(gate[i]).value;
  Store(up, y + at.row * width + at.column);
}

template <int N, typename T>
__global__ void Backward(int64_t rows, int64_t width, const T* gate_up, const T* dy, T* d_gate_up, T* y) {
  const Place<N> at(rows, width);
  if (!at.is_inside) return;
  float gate[N], up[N], grad[N], d_gate[N], d_up[N];
  const int64_t begin = at.row * 2 * width + at.column;
  Load(gate_up + begin, gate);
  Load(gate_up + begin + width, up);
  Load(dy + at.row * width + at.column, grad);
  for (int i = 0; i < N; ++i) {
    const Gelu gelu(gate[i]);
    d_gate[i] = grad[i] * up[i] * gelu.derivative;
    d_up[i] = grad[i] * gelu.value;
    up[i] *= gelu.value;
  }
  Store(d_gate, d_gate_up + begin);
  Store(d_up, d_gate_up + begin + width);
  Store(up, y + at.row * width + at.column);
}

}  // namespace

void GeGluForward(int64_t rows, int64_t width, ConstFloats gate_up, Floats y, Stream stream) {
  WithTypeOf(
      [&]<typename T>(T) {
        WithPack<8>(ReadsPacks<8>(width, gate_up, y), [&](auto n) {
          constexpr int kN = decltype(n)::value;
          Launch(&Forward<kN, T>, {CeilDiv(rows * (width / kN), kThreads), kThreads}, stream, rows, width,
                 As<T>(gate_up), As<T>(y));
        });
      },
      gate_up, y);
}

void GeGluBackward(int64_t rows, int64_t width, ConstFloats gate_up, ConstFloats dy, Floats d_gate_up,
                   Floats y, Stream stream) {
  WithTypeOf(
      [&]<typename T>(T) {
        WithPack<8>(ReadsPacks<8>(width, gate_up, dy, d_gate_up, y), [&](auto n) {
          constexpr int kN = decltype(n)::value;
          Launch(&Backward<kN, T>, {CeilDiv(rows * (width / kN), kThreads), kThreads}, stream, rows, width,
                 As<T>(gate_up), As<T>(dy), As<T>(d_gate_up), As<T>(y));
        });
      },
      gate_up, dy, d_gate_up, y);
}

}  // namespace gemtune::kernels::cuda
