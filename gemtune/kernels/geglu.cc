#include "gemtune/kernels/geglu.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/geglu.cc"
#include <hwy/foreach_target.h>

#include "gemtune/base/parallel.h"
#include "gemtune/kernels/exp-inl.h"
#include "gemtune/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

constexpr float kCubic = 0.044715f;
constexpr float kTwoC = 1.5957691216057308f;  // 2·√(2/π)

// σ(2c(x + 0.044715·x³)); gelu(x) = x · that.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V GeluGate(D d, V x) {
  const auto inner = hn::Mul(x, hn::MulAdd(hn::Mul(x, x), hn::Set(d, kTwoC * kCubic), hn::Set(d, kTwoC)));
  return hn::Div(hn::Set(d, 1.0f), hn::Add(hn::Set(d, 1.0f), FastExp(d, hn::Neg(inner))));
}

template <typename T>
void ForwardRows(int64_t rows, int64_t width, const T* gate_up, T* y) {
  for (int64_t row = 0; row < rows; ++row, gate_up += 2 * width, y += width) {
    ForEachVector(width, [&](auto d, int64_t i) HWY_ATTR {
      const auto gate = LoadFloat(d, gate_up + i), up = LoadFloat(d, gate_up + width + i);
      StoreFloat(hn::Mul(hn::Mul(gate, GeluGate(d, gate)), up), d, y + i);
    });
  }
}

template <typename T>
void BackwardRows(int64_t rows, int64_t width, const T* gate_up, const T* dy, T* d_gate_up, T* y) {
  for (int64_t row = 0; row < rows;
       ++row, gate_up += 2 * width, d_gate_up += 2 * width, dy += width, y += width) {
    ForEachVector(width, [&](auto d, int64_t i) HWY_ATTR {
      const auto gate = LoadFloat(d, gate_up + i), up = LoadFloat(d, gate_up + width + i),
                 vdy = LoadFloat(d, dy + i);
      const auto s = GeluGate(d, gate);
      const auto gelu = hn::Mul(gate, s);
      // gelu' = s + x · s · (1 − s) · 2c(1 + 3·0.044715·x²)
      const auto slope = hn::MulAdd(hn::Mul(gate, gate), hn::Set(d, 3 * kTwoC * kCubic), hn::Set(d, kTwoC));
      const auto derivative = hn::MulAdd(hn::Mul(gelu, hn::Sub(hn::Set(d, 1.0f), s)), slope, s);
      StoreFloat(hn::Mul(gelu, up), d, y + i);
      StoreFloat(hn::Mul(hn::Mul(vdy, up), derivative), d, d_gate_up + i);
      StoreFloat(hn::Mul(vdy, gelu), d, d_gate_up + width + i);
    });
  }
}

void GeGluRows(int64_t rows, int64_t width, ConstFloats gate_up, Floats y) {
  WithTypeOf(
      [&]<typename T>(T) {
        ForwardRows(rows, width, static_cast<const T*>(gate_up.data()), static_cast<T*>(y.data()));
      },
      gate_up, y);
}

void GeGluRowsBackward(int64_t rows, int64_t width, ConstFloats gate_up, ConstFloats dy, Floats d_gate_up,
                       Floats y) {
  WithTypeOf(
      [&]<typename T>(T) {
        BackwardRows(rows, width, static_cast<const T*>(gate_up.data()), static_cast<const T*>(dy.data()),
                     static_cast<T*>(d_gate_up.data()), static_cast<T*>(y.data()));
      },
      gate_up, dy, d_gate_up, y);
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {
namespace {

constexpr int64_t kGrainRows = 16;

}  // namespace

HWY_EXPORT(GeGluRows);
HWY_EXPORT(GeGluRowsBackward);

void GeGluForward(int64_t rows, int64_t width, ConstFloats gate_up, Floats y) {
  ParallelFor(rows, GrainRows(kGrainRows, width), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(GeGluRows)(end - begin, width, gate_up + begin * 2 * width, y + begin * width);
  });
}

void GeGluBackward(int64_t rows, int64_t width, ConstFloats gate_up, ConstFloats dy, Floats d_gate_up,
                   Floats y) {
  ParallelFor(rows, GrainRows(kGrainRows, width), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(GeGluRowsBackward)
    (end - begin, width, gate_up + begin * 2 * width, dy + begin * width, d_gate_up + begin * 2 * width,
     y + begin * width);
  });
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
