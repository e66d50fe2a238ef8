#include "gemtune/kernels/norm_rope.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/norm_rope.cc"
#include <hwy/foreach_target.h>

#include <hwy/cache_control.h>

#include <vector>

#include "gemtune/base/parallel.h"
#include "gemtune/kernels/reduce_parts.h"
#include "gemtune/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

// A row's head is too short for the processor to prefetch the next row; without this, half of the time is
// spent waiting for its first numbers.
template <typename T>
void PrefetchHead(const T* x, int64_t n) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t i = 0; i < n; i += kLine) hwy::Prefetch(x + i);
}

template <typename T>
void ForwardHead(int64_t half, const T* x, const T* w, float eps, const float* cos, const float* sin, T* y) {
  const float r = InverseRms(x, 2 * half, eps);
  ForEachVector(half, [&](auto d, int64_t i) HWY_ATTR {
    const auto x1 = hn::Mul(LoadFloat(d, x + i), hn::Set(d, r));
    const auto x2 = hn::Mul(LoadFloat(d, x + half + i), hn::Set(d, r));
    const auto n1 = hn::MulAdd(x1, LoadFloat(d, w + i), x1),
               n2 = hn::MulAdd(x2, LoadFloat(d, w + half + i), x2);
    const auto c = hn::LoadU(d, cos + i), s = hn::LoadU(d, sin + i);
    StoreFloat(hn::NegMulAdd(n2, s, hn::Mul(n1, c)), d, y + i);
    StoreFloat(hn::MulAdd(n1, s, hn::Mul(n2, c)), d, y + half + i);
  });
}

// dn, of 2 · half floats, is scratch memory for the gradient rotated back. Adds to dw.
template <typename T>
void BackwardHead(int64_t half, const T* x, const T* w, float eps, const float* cos, const float* sin,
                  const T* dy, T* dx, float* dw, float* dn) {
  const int64_t dim = 2 * half;
  ForEachVector(half, [&](auto d, int64_t i) HWY_ATTR {
    const auto dy1 = LoadFloat(d, dy + i), dy2 = LoadFloat(d, dy + half + i);
    const auto c = hn::LoadU(d, cos + i), s = hn::LoadU(d, sin + i);
    hn::StoreU(hn::MulAdd(dy2, s, hn::Mul(dy1, c)), d, dn + i);
    hn::StoreU(hn::NegMulAdd(dy1, s, hn::Mul(dy2, c)), d, dn + half + i);
  });
  const float r = InverseRms(x, dim, eps);
  const float dot = SumOf(dim, [&](auto d, int64_t i) HWY_ATTR {
    const auto v = hn::LoadU(d, dn + i);
    return hn::Mul(hn::MulAdd(v, LoadFloat(d, w + i), v), LoadFloat(d, x + i));
  });
  const float shift = r * r * dot / static_cast<float>(dim);
  ForEachVector(dim, [&](auto d, int64_t i) HWY_ATTR {
    const auto vx = LoadFloat(d, x + i), v = hn::LoadU(d, dn + i), vr = hn::Set(d, r);
    const auto g = hn::MulAdd(v, LoadFloat(d, w + i), v);
    StoreFloat(hn::Mul(vr, hn::NegMulAdd(vx, hn::Set(d, shift), g)), d, dx + i);
    hn::StoreU(hn::MulAdd(hn::Mul(v, vx), vr, hn::LoadU(d, dw + i)), d, dw + i);
  });
}

void RotateRows(const NormRopeShape& shape, int64_t begin, int64_t end, ConstFloats x, int64_t x_stride,
                ConstFloats w, Floats y, int64_t y_stride) {
  const int64_t half = shape.head_dim / 2;
  WithTypeOf(
      [&]<typename T>(T) {
        for (int64_t row = begin; row < end; ++row) {
          const int64_t angle = shape.positions[row] * half;
          for (int64_t head = 0; head < shape.heads; ++head) {
            const T* from = static_cast<const T*>(x.data()) + row * x_stride + head * shape.head_dim;
            PrefetchHead(from + x_stride, shape.head_dim);
            ForwardHead(half, from, static_cast<const T*>(w.data()), shape.eps, shape.cos + angle,
                        shape.sin + angle,
                        static_cast<T*>(y.data()) + row * y_stride + head * shape.head_dim);
          }
        }
      },
      x, w, y);
}

void RotateRowsBackward(const NormRopeShape& shape, int64_t begin, int64_t end, ConstFloats x,
                        int64_t x_stride, ConstFloats w, ConstFloats dy, int64_t dy_stride, Floats dx,
                        int64_t dx_stride, float* dw) {
  const int64_t half = shape.head_dim / 2;
  std::vector<float> scratch(static_cast<size_t>(shape.head_dim));
  WithTypeOf(
      [&]<typename T>(T) {
        for (int64_t row = begin; row < end; ++row) {
          const int64_t angle = shape.positions[row] * half;
          for (int64_t head = 0; head < shape.heads; ++head) {
            const int64_t offset = head * shape.head_dim;
            const T* from = static_cast<const T*>(x.data()) + row * x_stride + offset;
            const T* gradient = static_cast<const T*>(dy.data()) + row * dy_stride + offset;
            PrefetchHead(from + x_stride, shape.head_dim);
            PrefetchHead(gradient + dy_stride, shape.head_dim);
            BackwardHead(half, from, static_cast<const T*>(w.data()), shape.eps, shape.cos + angle,
                         shape.sin + angle, gradient, static_cast<T*>(dx.data()) + row * dx_stride + offset,
                         dw, scratch.data());
          }
        }
      },
      x, w, dy, dx);
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {
namespace {

constexpr int64_t kGrainRows = 32;

}  // namespace

HWY_EXPORT(RotateRows);
HWY_EXPORT(RotateRowsBackward);

void NormRopeForward(const NormRopeShape& shape, ConstFloats x, int64_t x_stride, ConstFloats w, Floats y,
                     int64_t y_stride) {
  ParallelFor(shape.rows, GrainRows(kGrainRows, shape.head_dim), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(RotateRows)(shape, begin, end, x, x_stride, w, y, y_stride);
  });
}

void NormRopeBackward(const NormRopeShape& shape, ConstFloats x, int64_t x_stride, ConstFloats w,
                      ConstFloats dy, int64_t dy_stride, Floats dx, int64_t dx_stride, float* dw) {
  ReduceParts(shape.rows, GrainRows(kGrainRows, shape.head_dim), shape.head_dim, dw,
              [&](int64_t begin, int64_t end, float* sums) {
                HWY_DYNAMIC_DISPATCH(RotateRowsBackward)
                (shape, begin, end, x, x_stride, w, dy, dy_stride, dx, dx_stride, sums);
              });
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
