// The elementwise part of attention, row by row: softmax, its gradient, copies. Included once per target, see
// simd-inl.h.
#if defined(GEMTUNE_KERNELS_ATTENTION_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMTUNE_KERNELS_ATTENTION_ROWS_INL_H_
#undef GEMTUNE_KERNELS_ATTENTION_ROWS_INL_H_
#else
#define GEMTUNE_KERNELS_ATTENTION_ROWS_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <limits>

#include "gemtune/kernels/exp-inl.h"
#include "gemtune/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

// Rows are padded to 32 numbers: vectors of at most 16 never exceed them.
using RowTag = hn::CappedTag<float, 16>;

template <typename From, typename To>
void CopyRow(const From* from, int64_t n, float factor, To* to) {
  ForEachVector(n, [&](auto d, int64_t i) HWY_ATTR {
    StoreFloat(hn::Mul(LoadFloat(d, from + i), hn::Set(d, factor)), d, to + i);
  });
}

// to[i] = from[i] for i < n, possibly converted to another type; then 0 up to `padded`.
template <typename From, typename To>
void CopyPadded(const From* from, int64_t n, int64_t padded, To* to) {
  ForEachVector(n, [&](auto d, int64_t i) HWY_ATTR { StoreFloat(LoadFloat(d, from + i), d, to + i); });
  std::fill(to + n, to + padded, To{});
}

template <typename A, typename B>
float Dot(const A* a, const B* b, int64_t n) {
  return SumOf(n,
               [&](auto d, int64_t i) HWY_ATTR { return hn::Mul(LoadFloat(d, a + i), LoadFloat(d, b + i)); });
}

template <class D>
HWY_INLINE auto InRange(D d, int64_t i, int64_t lo, int64_t hi) {
  const auto index = hn::Iota(d, static_cast<float>(i));
  return hn::And(hn::Ge(index, hn::Set(d, static_cast<float>(lo))),
                 hn::Lt(index, hn::Set(d, static_cast<float>(hi))));
}

template <class D, typename E>
HWY_INLINE void ZeroRow(D d, int64_t begin, int64_t end, E* row) {
  for (auto i = begin; i < end; i += static_cast<int64_t>(hn::Lanes(d))) StoreFloat(hn::Zero(d), d, row + i);
}

// Turns the scores of one query against a block of keys, of which it sees [lo, hi), into probabilities
// relative to the running maximum; the rest up to `padded` becomes 0. Returns the factor by which earlier
// sums must be scaled down.
template <typename E>
float SoftmaxRow(const float* scores, int64_t lo, int64_t hi, int64_t padded, float scale, E* probabilities,
                 float& maximum, float& sum) {
  const RowTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if (lo >= hi) {
    ZeroRow(d, 0, padded, probabilities);
    return 1.0f;
  }
  const int64_t first = lo / lanes * lanes;
  const auto infinity = hn::Set(d, -std::numeric_limits<float>::infinity());
  const auto vscale = hn::Set(d, scale);
  auto largest = infinity;
  for (int64_t i = first; i < hi; i += lanes) {
    const auto score = hn::Mul(hn::LoadU(d, scores + i), vscale);
    largest = hn::Max(largest, hn::IfThenElse(InRange(d, i, lo, hi), score, infinity));
  }
  const float before = maximum;
  maximum = std::max(before, hn::GetLane(hn::MaxOfLanes(d, largest)));

  ZeroRow(d, 0, first, probabilities);
  const auto vmaximum = hn::Set(d, maximum);
  auto total = hn::Zero(d);
  int64_t i = first;
  for (; i < hi; i += lanes) {
    const auto p = hn::IfThenElseZero(InRange(d, i, lo, hi),
                                      FastExp(d, hn::MulSub(hn::LoadU(d, scores + i), vscale, vmaximum)));
    total = hn::Add(total, p);
    StoreFloat(p, d, probabilities + i);
  }
  ZeroRow(d, i, padded, probabilities);
  const float shrink = std::exp(before - maximum);  // 0 at first: e^−∞
  sum = sum * shrink + hn::GetLane(hn::SumOfLanes(d, total));
  return shrink;
}

// For one key and the queries of a block, of which [lo, hi) see it, turns the scores and dO·v into the
// probabilities and the gradient of the scores; the rest up to `padded` becomes 0.
template <typename E>
void SoftmaxBackwardRow(const float* scores, const float* d_probabilities, int64_t lo, int64_t hi,
                        int64_t padded, float scale, const float* lse, const float* delta, E* probabilities,
                        E* d_scores) {
  const RowTag d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t first = std::min(lo, hi) / lanes * lanes;
  const auto vscale = hn::Set(d, scale);
  ZeroRow(d, 0, first, probabilities);
  ZeroRow(d, 0, first, d_scores);
  int64_t i = first;
  for (; i < hi; i += lanes) {
    const auto exponent = hn::MulSub(hn::LoadU(d, scores + i), vscale, hn::LoadU(d, lse + i));
    const auto p = hn::IfThenElseZero(InRange(d, i, lo, hi), FastExp(d, exponent));
    const auto difference = hn::Sub(hn::LoadU(d, d_probabilities + i), hn::LoadU(d, delta + i));
    StoreFloat(p, d, probabilities + i);
    StoreFloat(hn::Mul(hn::Mul(p, difference), vscale), d, d_scores + i);
  }
  ZeroRow(d, i, padded, probabilities);
  ZeroRow(d, i, padded, d_scores);
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GEMTUNE_KERNELS_ATTENTION_ROWS_INL_H_
