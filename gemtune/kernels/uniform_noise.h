#pragma once

#include <cstdint>

namespace gemtune::kernels {

/// Numbers uniform in [−1, 1), multiples of 2⁻²³. Number i depends only on `key` and i: SplitMix64 (Steele et
/// al. 2014) at the state `key` + i. y [n], overwritten.
void UniformNoise(int64_t n, uint64_t key, float* y);

}  // namespace gemtune::kernels
