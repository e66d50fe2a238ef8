// exp for activations and softmax. Included once a target, see simd-inl.h.
#if defined(GEMTUNE_KERNELS_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMTUNE_KERNELS_EXP_INL_H_
#undef GEMTUNE_KERNELS_EXP_INL_H_
#else
#define GEMTUNE_KERNELS_EXP_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// e^x to 2 ulp; 0 below −87.3 (no subnormals), e^88.4 above 88.4; NaN gives an arbitrary number, so x must
// not be NaN. x = n·ln 2 + r, |r| ≤ ½·ln 2, ln 2 in two parts; e^r by its Taylor polynomial, whose remainder
// r⁷/7! is under 1.3e-7 of e^r; the factor 2^n goes into the exponent bits.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V FastExp(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto low = hn::Set(d, -87.3f);
  const auto clamped = hn::Min(hn::Max(x, low), hn::Set(d, 88.4f));
  const auto n = hn::Round(hn::Mul(clamped, hn::Set(d, 1.44269504088896341f)));
  const auto r =
      hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), hn::NegMulAdd(n, hn::Set(d, 0.693359375f), clamped));
  auto p = hn::Set(d, 1.0f / 720);
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 120));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 24));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 6));
  p = hn::MulAdd(p, r, hn::Set(d, 0.5f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f));
  const auto scale = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127))));
  return hn::IfThenElseZero(hn::Gt(x, low), hn::Mul(p, scale));
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GEMTUNE_KERNELS_EXP_INL_H_
