#include "gemtune/kernels/dropout.h"

#include <cmath>

#include "gemtune/base/error.h"
#include "gemtune/base/float16.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/split_mix.h"

namespace gemtune::kernels {
namespace {

constexpr int64_t kGrain = 1 << 14;  // even: two numbers share a draw

float ToFloat(float x) {
  return x;
}
float ToFloat(BFloat16 x) {
  return FloatFromBFloat16(x.bits);
}
void Store(float value, float& y) {
  y = value;
}
void Store(float value, BFloat16& y) {
  y.bits = BFloat16FromFloat(value);
}

}  // namespace

void Dropout(int64_t n, ConstFloats x, double rate, uint64_t key, Floats y) {
  GEMTUNE_CHECK(rate >= 0 && rate < 1);
  const auto dropped_below = static_cast<uint64_t>(std::ldexp(rate, 32));
  const auto scale = static_cast<float>(1.0 / (1.0 - rate));
  WithTypeOf(
      [&]<typename T>(T) {
        const auto* from = static_cast<const T*>(x.data());
        auto* to = static_cast<T*>(y.data());
        const auto put = [&](int64_t i, uint64_t bits) {
          Store(bits < dropped_below ? 0.0f : ToFloat(from[i]) * scale, to[i]);
        };
        const int64_t pairs = (n + 1) / 2;
        ParallelFor(pairs, kGrain, [&](int64_t begin, int64_t end) {
          for (int64_t pair = begin; pair < end; ++pair) {
            const uint64_t bits = SplitMix(key + static_cast<uint64_t>(pair + 1) * kSplitMixStep);
            put(2 * pair, bits >> 32);
            if (2 * pair + 1 < n) put(2 * pair + 1, bits & 0xFFFFFFFF);
          }
        });
      },
      x, y);
}

uint64_t DropoutKey(uint64_t key, uint64_t stream) {
  return SplitMix(SplitMix(key + kSplitMixStep) ^ (stream * kSplitMixStep + 1));
}

}  // namespace gemtune::kernels
