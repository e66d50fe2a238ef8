// What every SIMD kernel shares: loads and stores that widen to fp32 and round once, loops with their tail,
// reductions. Included once per target by Highway's foreach_target, hence the form of the include guard.
#if defined(GEMTUNE_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMTUNE_KERNELS_SIMD_INL_H_
#undef GEMTUNE_KERNELS_SIMD_INL_H_
#else
#define GEMTUNE_KERNELS_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstdint>

#include "gemtune/base/float16.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::ScalableTag<float>;
using One = hn::CappedTag<float, 1>;  // for a tail, one element at a time

template <class D>
HWY_INLINE hn::Vec<D> LoadFloat([[maybe_unused]] D d, const float* p) {
  return hn::LoadU(d, p);
}

template <class D>
HWY_INLINE hn::Vec<D> LoadFloat([[maybe_unused]] D d, const BFloat16* p) {
  const hn::Rebind<uint16_t, D> d16;
  const hn::RebindToUnsigned<D> d32;
  const auto bits = hn::PromoteTo(d32, hn::LoadU(d16, reinterpret_cast<const uint16_t*>(p)));
  return hn::BitCast(d, hn::ShiftLeft<16>(bits));
}

template <class D>
HWY_INLINE void StoreFloat(hn::Vec<D> v, [[maybe_unused]] D d, float* p) {
  hn::StoreU(v, d, p);
}

// To nearest, ties to even; NaN stays NaN. (Highway's own demotion to bfloat16 truncates.)
template <class D>
HWY_INLINE void StoreFloat(hn::Vec<D> v, [[maybe_unused]] D d, BFloat16* p) {
  const hn::Rebind<uint16_t, D> d16;
  const hn::RebindToUnsigned<D> d32;
  const hn::RebindToSigned<D> di32;
  const auto bits = hn::BitCast(d32, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(d32, 0x7fff))));
  const auto quiet_nan = hn::Set(d32, 0x7fc0);
  const auto result = hn::IfThenElse(hn::RebindMask(d32, hn::IsNaN(v)), quiet_nan, rounded);
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di32, result)), d16, reinterpret_cast<uint16_t*>(p));
}

// Calls body(d, i) for i = 0, N, 2N, ... and, if n is not a multiple of the vector length, for each element
// of the tail.
template <class Body>
HWY_INLINE void ForEachVector(int64_t n, Body&& body) {
  const Wide d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) body(d, i);
  for (; i < n; ++i) body(One(), i);
}

// Sum over i of term(d, i), in four independent chains and then a tree: fast, and the same result for the
// same n.
template <class Term>
HWY_INLINE float SumOf(int64_t n, Term&& term) {
  const Wide d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum0 = hn::Zero(d), sum1 = hn::Zero(d), sum2 = hn::Zero(d), sum3 = hn::Zero(d);
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    sum0 = hn::Add(sum0, term(d, i));
    sum1 = hn::Add(sum1, term(d, i + lanes));
    sum2 = hn::Add(sum2, term(d, i + 2 * lanes));
    sum3 = hn::Add(sum3, term(d, i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) sum0 = hn::Add(sum0, term(d, i));
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  for (; i < n; ++i) sum += hn::GetLane(term(One(), i));
  return sum;
}

// 1 / √(mean(x²) + eps)
template <typename X>
HWY_INLINE float InverseRms(const X* x, int64_t dim, float eps) {
  const float sum = SumOf(dim, [x](auto d, int64_t i) HWY_ATTR {
    const auto v = LoadFloat(d, x + i);
    return hn::Mul(v, v);
  });
  return 1.0f / std::sqrt(sum / static_cast<float>(dim) + eps);
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GEMTUNE_KERNELS_SIMD_INL_H_
