#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "gemtune/base/float16.h"

namespace gemtune::kernels {

/// Puts d as a half; false if it does not fit or is NaN.
inline bool PutHalf(float d, std::byte* at) {
  const uint16_t half = Float16FromFloat(d);
  std::memcpy(at, &half, sizeof half);
  return (half & 0x7c00u) != 0x7c00u;
}

/// The largest |x| of x [n]; NaN if there is one. Bits of floats without their signs are in the order of the
/// floats, NaN last.
inline float LargestMagnitude(const float* x, int n) {
  uint32_t largest = 0;
  for (int i = 0; i < n; ++i) largest = std::max(largest, std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu);
  return std::bit_cast<float>(largest);
}

}  // namespace gemtune::kernels
