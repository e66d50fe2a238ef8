#pragma once

#include <cstdint>

namespace gemtune {

/// The increment of SplitMix64 (Steele et al. 2014): 2^64 divided by the golden ratio.
inline constexpr uint64_t kSplitMixStep = 0x9E3779B97F4A7C15;

/// SplitMix64's output for the state `z`; every bit of it depends on every bit of z.
constexpr uint64_t SplitMix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace gemtune
