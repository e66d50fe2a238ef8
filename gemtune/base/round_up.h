#pragma once

#include <cstdint>

namespace gemtune {

/// n / divisor, rounded up; n >= 0, divisor > 0.
constexpr int64_t CeilDiv(int64_t n, int64_t divisor) {
  return (n + divisor - 1) / divisor;
}

/// The smallest multiple of `multiple` that is at least n; n >= 0, multiple > 0.
constexpr int64_t RoundUp(int64_t n, int64_t multiple) {
  return CeilDiv(n, multiple) * multiple;
}

}  // namespace gemtune
