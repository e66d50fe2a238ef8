#include "gemtune/kernels/rms_norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/rms_norm.cc"
#include <hwy/foreach_target.h>

#include "gemtune/base/parallel.h"
#include "gemtune/kernels/reduce_parts.h"
#include "gemtune/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

template <typename X, typename T, typename Y>
void ForwardRows(int64_t rows, int64_t dim, const float* residual, const X* x, const T* w, float eps, Y* y) {
  for (int64_t row = 0; row < rows; ++row, x += dim, y += dim) {
    const float r = InverseRms(x, dim, eps);
    ForEachVector(dim, [&](auto d, int64_t i) HWY_ATTR {
      const auto normalised = hn::Mul(LoadFloat(d, x + i), hn::Set(d, r));
      auto out = hn::MulAdd(normalised, LoadFloat(d, w + i), normalised);
      if (residual != nullptr) out = hn::Add(out, hn::LoadU(d, residual + row * dim + i));
      StoreFloat(out, d, y + i);
    });
  }
}

// Adds to dw.
template <typename X, typename T, typename DY, typename DX>
void BackwardRows(int64_t rows, int64_t dim, const X* x, const T* w, float eps, const DY* dy, DX* dx,
                  float* dw) {
  for (int64_t row = 0; row < rows; ++row, x += dim, dy += dim, dx += dim) {
    const float r = InverseRms(x, dim, eps);
    const float dot = SumOf(dim, [&](auto d, int64_t i) HWY_ATTR {
      const auto v = LoadFloat(d, dy + i);
      return hn::Mul(hn::MulAdd(v, LoadFloat(d, w + i), v), LoadFloat(d, x + i));
    });
    const float shift = r * r * dot / static_cast<float>(dim);
    ForEachVector(dim, [&](auto d, int64_t i) HWY_ATTR {
      const auto vx = LoadFloat(d, x + i), vdy = LoadFloat(d, dy + i), vr = hn::Set(d, r);
      const auto g = hn::MulAdd(vdy, LoadFloat(d, w + i), vdy);
      const auto out = hn::Mul(vr, hn::NegMulAdd(vx, hn::Set(d, shift), g));
      StoreFloat(out, d, dx + i);
      hn::StoreU(hn::MulAdd(hn::Mul(vdy, vx), vr, hn::LoadU(d, dw + i)), d, dw + i);
    });
  }
}

void NormRows(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, Floats y) {
  WithTypeOf(
      [&]<typename T>(T) {
        ForwardRows(rows, dim, nullptr, x, static_cast<const T*>(w.data()), eps, static_cast<T*>(y.data()));
      },
      w, y);
}

void AddNormRows(int64_t rows, int64_t dim, const float* residual, ConstFloats x, ConstFloats w, float eps,
                 float* sum) {
  WithTypeOf(
      [&]<typename T>(T) {
        ForwardRows(rows, dim, residual, static_cast<const T*>(x.data()), static_cast<const T*>(w.data()),
                    eps, sum);
      },
      x, w);
}

void NormRowsBackward(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, ConstFloats dy,
                      float* dx, float* dw) {
  WithTypeOf(
      [&]<typename T>(T) {
        BackwardRows(rows, dim, x, static_cast<const T*>(w.data()), eps, static_cast<const T*>(dy.data()), dx,
                     dw);
      },
      w, dy);
}

void AddNormRowsBackward(int64_t rows, int64_t dim, ConstFloats x, ConstFloats w, float eps,
                         const float* dsum, Floats dx, float* dw) {
  WithTypeOf(
      [&]<typename T>(T) {
        BackwardRows(rows, dim, static_cast<const T*>(x.data()), static_cast<const T*>(w.data()), eps, dsum,
                     static_cast<T*>(dx.data()), dw);
      },
      x, w, dx);
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {
namespace {

constexpr int64_t kGrainRows = 32;

}  // namespace

HWY_EXPORT(NormRows);
HWY_EXPORT(AddNormRows);
HWY_EXPORT(NormRowsBackward);
HWY_EXPORT(AddNormRowsBackward);

void RmsNormForward(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, Floats y) {
  ParallelFor(rows, GrainRows(kGrainRows, dim), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(NormRows)(end - begin, dim, x + begin * dim, w, eps, y + begin * dim);
  });
}

void AddRmsNormForward(int64_t rows, int64_t dim, const float* residual, ConstFloats x, ConstFloats w,
                       float eps, float* sum) {
  ParallelFor(rows, GrainRows(kGrainRows, dim), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(AddNormRows)
    (end - begin, dim, residual + begin * dim, x + begin * dim, w, eps, sum + begin * dim);
  });
}

void RmsNormBackward(int64_t rows, int64_t dim, const float* x, ConstFloats w, float eps, ConstFloats dy,
                     float* dx, float* dw) {
  ReduceParts(rows, GrainRows(kGrainRows, dim), dim, dw, [&](int64_t begin, int64_t end, float* sums) {
    HWY_DYNAMIC_DISPATCH(NormRowsBackward)
    (end - begin, dim, x + begin * dim, w, eps, dy + begin * dim, dx + begin * dim, sums);
  });
}

void AddRmsNormBackward(int64_t rows, int64_t dim, ConstFloats x, ConstFloats w, float eps, const float* dsum,
                        Floats dx, float* dw) {
  ReduceParts(rows, GrainRows(kGrainRows, dim), dim, dw, [&](int64_t begin, int64_t end, float* sums) {
    HWY_DYNAMIC_DISPATCH(AddNormRowsBackward)
    (end - begin, dim, x + begin * dim, w, eps, dsum + begin * dim, dx + begin * dim, sums);
  });
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
