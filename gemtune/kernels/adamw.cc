#include "gemtune/kernels/adamw.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/adamw.cc"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "gemtune/base/parallel.h"
#include "gemtune/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

// The step's constants in fp32, rounded from double once.
struct Constants {
  explicit Constants(const AdamWStepOptions& o)
      : grad_scale(static_cast<float>(o.grad_scale)),
        keep(static_cast<float>(1.0 - o.learning_rate * o.weight_decay)),
        one_minus_beta1(static_cast<float>(1.0 - o.beta1)),
        beta2(static_cast<float>(o.beta2)),
        one_minus_beta2(static_cast<float>(1.0 - o.beta2)),
        epsilon(static_cast<float>(o.epsilon)),
        step_size(
            static_cast<float>(o.learning_rate / (1.0 - std::pow(o.beta1, static_cast<double>(o.step))))),
        inverse_sqrt_correction2(
            static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(o.beta2, static_cast<double>(o.step))))) {}

  float grad_scale, keep, one_minus_beta1, beta2, one_minus_beta2, epsilon, step_size,
      inverse_sqrt_correction2;
};

void AdamWRange(int64_t n, ConstFloats grad, const AdamWState& state, const AdamWStepOptions& options) {
  const Constants c(options);
  WithTypeOf(
      [&]<typename T>(T) {
        const auto* g_data = static_cast<const T*>(grad.data());
        ForEachVector(n, [&](auto d, int64_t i) HWY_ATTR {
          const auto g = hn::Mul(LoadFloat(d, g_data + i), hn::Set(d, c.grad_scale));
          const auto m0 = hn::LoadU(d, state.exp_avg + i);
          const auto m = hn::MulAdd(hn::Set(d, c.one_minus_beta1), hn::Sub(g, m0), m0);
          const auto v = hn::MulAdd(hn::Mul(g, g), hn::Set(d, c.one_minus_beta2),
                                    hn::Mul(hn::LoadU(d, state.exp_avg_sq + i), hn::Set(d, c.beta2)));
          const auto denominator =
              hn::MulAdd(hn::Sqrt(v), hn::Set(d, c.inverse_sqrt_correction2), hn::Set(d, c.epsilon));
          const auto kept = hn::Mul(hn::LoadU(d, state.parameter + i), hn::Set(d, c.keep));
          const auto p = hn::NegMulAdd(hn::Set(d, c.step_size), hn::Div(m, denominator), kept);
          hn::StoreU(m, d, state.exp_avg + i);
          hn::StoreU(v, d, state.exp_avg_sq + i);
          hn::StoreU(p, d, state.parameter + i);
          if (state.rounded != nullptr) StoreFloat(p, d, state.rounded + i);
        });
      },
      grad);
}

double SumOfSquaresRange(int64_t n, ConstFloats x) {
  constexpr int64_t kStretch = 4096;
  double sum = 0;
  WithTypeOf(
      [&]<typename T>(T) {
        const auto* data = static_cast<const T*>(x.data());
        for (int64_t i = 0; i < n; i += kStretch) {
          sum += SumOf(std::min(kStretch, n - i), [&](auto d, int64_t j) HWY_ATTR {
            const auto v = LoadFloat(d, data + i + j);
            return hn::Mul(v, v);
          });
        }
      },
      x);
  return sum;
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {
namespace {

constexpr int64_t kGrain = 1 << 15;

}  // namespace

HWY_EXPORT(AdamWRange);
HWY_EXPORT(SumOfSquaresRange);

void AdamWStep(int64_t n, ConstFloats grad, const AdamWState& state, const AdamWStepOptions& options) {
  ParallelFor(n, kGrain, [&](int64_t begin, int64_t end) {
    const AdamWState part{.parameter = state.parameter + begin,
                          .exp_avg = state.exp_avg + begin,
                          .exp_avg_sq = state.exp_avg_sq + begin,
                          .rounded = state.rounded == nullptr ? nullptr : state.rounded + begin};
    HWY_DYNAMIC_DISPATCH(AdamWRange)(end - begin, grad + begin, part, options);
  });
}

double SumOfSquares(int64_t n, ConstFloats x) {
  std::vector<double> sums(static_cast<size_t>(ParallelParts(n, kGrain)), 0.0);
  ParallelForParts(n, kGrain, [&](int64_t part, int64_t begin, int64_t end) {
    sums[static_cast<size_t>(part)] = HWY_DYNAMIC_DISPATCH(SumOfSquaresRange)(end - begin, x + begin);
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
