#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace gemtune {

/// A stored bfloat16 number; arithmetic is done in float.
struct BFloat16 {
  uint16_t bits;
};

/// bfloat16 bits → float, exact.
constexpr float FloatFromBFloat16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// float → bfloat16 bits, to nearest, ties to even; NaN stays (quiet) NaN.
constexpr uint16_t BFloat16FromFloat(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// IEEE half bits → float, exact (subnormals, infinities and NaN included). Selects instead of branches:
/// loops over it vectorise.
constexpr float FloatFromFloat16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fffu) << 13;
  const uint32_t rebias = exponent == 31 ? 224u << 23 : 112u << 23;  // 31 (infinity, NaN) becomes 255
  const auto tiny = std::bit_cast<uint32_t>(static_cast<float>(bits & 0x3ff) * 0x1p-24f);
  return std::bit_cast<float>(sign | (exponent == 0 ? tiny : magnitude + rebias));
}

/// float → IEEE half bits, to nearest, ties to even.
uint16_t Float16FromFloat(float value);

}  // namespace gemtune
