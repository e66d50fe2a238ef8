#include "gemtune/kernels/uniform_noise.h"

#include "gemtune/base/parallel.h"
#include "gemtune/base/split_mix.h"

namespace gemtune::kernels {

void UniformNoise(int64_t n, uint64_t key, float* y) {
  constexpr int64_t kGrain = 1 << 14;
  constexpr float kUnit = 1.0f / (1 << 23);
  ParallelFor(n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint64_t bits = SplitMix(key + static_cast<uint64_t>(i + 1) * kSplitMixStep) >> 40;  // 24 of them
      y[i] = static_cast<float>(static_cast<int64_t>(bits) - (1 << 23)) * kUnit;
    }
  });
}

}  // namespace gemtune::kernels
