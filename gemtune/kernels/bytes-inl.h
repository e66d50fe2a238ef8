// 16 bytes of a quantised block, and how they become floats. Included once per target, see simd-inl.h.
#if defined(GEMTUNE_KERNELS_BYTES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMTUNE_KERNELS_BYTES_INL_H_
#undef GEMTUNE_KERNELS_BYTES_INL_H_
#else
#define GEMTUNE_KERNELS_BYTES_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "gemtune/base/float16.h"

#ifndef GEMTUNE_KERNELS_BYTES_SHARED_
#define GEMTUNE_KERNELS_BYTES_SHARED_
namespace gemtune::kernels::internal {

inline const std::array<float, 1 << 16> kFloatsOfHalves = [] {
  std::array<float, 1 << 16> floats;
  for (size_t bits = 0; bits < floats.size(); ++bits)
    floats[bits] = FloatFromFloat16(static_cast<uint16_t>(bits));
  return floats;
}();

}  // namespace gemtune::kernels::internal
#endif  // GEMTUNE_KERNELS_BYTES_SHARED_

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The half at p. From a table, since a scale is then broadcast to a vector as it is loaded, which leaves the
// units that compute to the numbers.
HWY_INLINE float ScaleAt(const std::byte* p) {
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return internal::kFloatsOfHalves[bits];
}

// What becomes of each float v, an integer. A multiplication and a subtraction are two roundings.
struct Times {
  float scale;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, hn::Vec<D> v) const {
    return hn::Mul(hn::Set(d, scale), v);
  }
};
struct TimesMinus {
  float scale, min;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, hn::Vec<D> v) const {
    return hn::Sub(hn::Mul(hn::Set(d, scale), v), hn::Set(d, min));
  }
};

#if HWY_TARGET == HWY_SCALAR

// Vectors of one number: the 16 bytes are an array.
template <typename T>
struct Sixteen {
  T at[16];
};
using Bytes = Sixteen<uint8_t>;
using Integers = Sixteen<int8_t>;

template <typename T = uint8_t, class F>
HWY_INLINE Sixteen<T> ForEachByte(F&& value) {
  Sixteen<T> result;
  for (int i = 0; i < 16; ++i) result.at[i] = static_cast<T>(value(i));
  return result;
}

HWY_INLINE Bytes Load(const std::byte* p) {
  return ForEachByte([&](int i) { return p[i]; });
}
HWY_INLINE Bytes Masked(const Bytes& q, uint8_t mask) {
  return ForEachByte([&](int i) { return q.at[i] & mask; });
}
HWY_INLINE Bytes United(const Bytes& a, const Bytes& b) {
  return ForEachByte([&](int i) { return a.at[i] | b.at[i]; });
}
template <int kBits>
HWY_INLINE Bytes ShiftedLeft(const Bytes& q) {
  return ForEachByte([&](int i) { return q.at[i] << kBits; });
}
template <int kBits>
HWY_INLINE Bytes ShiftedRight(const Bytes& q) {
  return ForEachByte([&](int i) { return q.at[i] >> kBits; });
}
HWY_INLINE Bytes WhereNoBit(const std::byte* bits, uint8_t value) {
  return ForEachByte([&](int i) { return (static_cast<int>(bits[i / 8]) >> (i % 8)) % 2 == 0 ? value : 0; });
}
HWY_INLINE Bytes WhereTested(const Bytes& q, uint8_t bit, uint8_t value) {
  return ForEachByte([&](int i) { return (q.at[i] & bit) != 0 ? value : 0; });
}
HWY_INLINE Integers Difference(const Bytes& a, const Bytes& b) {
  return ForEachByte<int8_t>(
      [&](int i) { return static_cast<int8_t>(a.at[i]) - static_cast<int8_t>(b.at[i]); });
}
HWY_INLINE Integers Unbiased(const Bytes& q, int8_t bias) {
  return ForEachByte<int8_t>([&](int i) { return static_cast<int8_t>(q.at[i]) - bias; });
}
template <class Map, class Sink>
HWY_INLINE void Emit(int64_t at, const Integers& q, const Map& map, Sink& sink) {
  const hn::CappedTag<float, 1> d;
  for (int i = 0; i < 16; ++i) sink(d, at + i, map(d, hn::Set(d, static_cast<float>(q.at[i]))));
}

#else

using ByteTag = hn::CappedTag<uint8_t, 16>;
using IntegerTag = hn::RebindToSigned<ByteTag>;
using Bytes = hn::Vec<ByteTag>;
using Integers = hn::Vec<IntegerTag>;

HWY_INLINE Bytes Load(const std::byte* p) {
  return hn::LoadU(ByteTag(), reinterpret_cast<const uint8_t*>(p));
}
HWY_INLINE Bytes Masked(Bytes q, uint8_t mask) {
  return hn::And(q, hn::Set(ByteTag(), mask));
}
HWY_INLINE Bytes United(Bytes a, Bytes b) {
  return hn::Or(a, b);
}
template <int kBits>
HWY_INLINE Bytes ShiftedLeft(Bytes q) {
  return hn::ShiftLeft<kBits>(q);
}
template <int kBits>
HWY_INLINE Bytes ShiftedRight(Bytes q) {
  return hn::ShiftRight<kBits>(q);
}
// 0 where bit i of the 16 at `bits` is set, else `value`.
HWY_INLINE Bytes WhereNoBit(const std::byte* bits, uint8_t value) {
  const auto is_set = hn::LoadMaskBits(ByteTag(), reinterpret_cast<const uint8_t*>(bits));
  return hn::IfThenZeroElse(is_set, hn::Set(ByteTag(), value));
}
// `value` where `bit`, one bit, is set in q, else 0.
HWY_INLINE Bytes WhereTested(Bytes q, uint8_t bit, uint8_t value) {
  return hn::IfThenElseZero(hn::TestBit(q, hn::Set(ByteTag(), bit)), hn::Set(ByteTag(), value));
}
// As signed bytes.
HWY_INLINE Integers Difference(Bytes a, Bytes b) {
  return hn::BitCast(IntegerTag(), hn::Sub(a, b));
}
HWY_INLINE Integers Unbiased(Bytes q, int8_t bias) {
  return hn::Sub(hn::BitCast(IntegerTag(), q), hn::Set(IntegerTag(), bias));
}

// sink(d, i, v) for each vector v of the floats map(q), i = at, at + kLanes, ..., from the kPart-th on.
template <int kPart = 0, class Map, class Sink>
HWY_INLINE void Emit(int64_t at, Integers q, const Map& map, Sink& sink) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> d32;
  constexpr int kLanes = static_cast<int>(hn::MaxLanes(hn::CappedTag<float, 16>()));
  const auto emit = [&](auto part) HWY_ATTR {
    sink(d, at + kPart * kLanes, map(d, hn::ConvertTo(d, hn::PromoteTo(d32, part))));
  };
  if constexpr (kLanes == 16) {
    emit(q);
  } else {
    const auto half = hn::LowerHalf(hn::ShiftRightBytes<kPart * kLanes>(IntegerTag(), q));
    if constexpr (kLanes == 8) {
      emit(half);
    } else {
      emit(hn::LowerHalf(half));
    }
    if constexpr (kPart < 16 / kLanes - 1) Emit<kPart + 1>(at, q, map, sink);
  }
}

#endif

HWY_INLINE Bytes LowNibbles(Bytes q) {
  return Masked(q, 0x0f);
}
HWY_INLINE Bytes HighNibbles(Bytes q) {
  return ShiftedRight<4>(q);
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GEMTUNE_KERNELS_BYTES_INL_H_
