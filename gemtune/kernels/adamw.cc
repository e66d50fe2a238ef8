#include "gemtune/kernels/adamw.h"

#include <cmath>

#include "gemtune/base/float16.h"
#include "gemtune/base/parallel.h"

namespace gemtune::kernels {
namespace {

constexpr int64_t kGrain = 1 << 16;

// The step's constants in fp32.
struct Constants {
  explicit Constants(const AdamWStepOptions& o)
      : grad_scale(static_cast<float>(o.grad_scale)),
        keep(static_cast<float>(1.0 - o.learning_rate * o.weight_decay)),
        one_minus_beta1(static_cast<float>(1.0 - o.beta1)),
        beta2(static_cast<float>(o.beta2)),
        one_minus_beta2(static_cast<float>(1.0 - o.beta2)),
        epsilon(static_cast<float>(o.epsilon)),
        step_size(static_cast<float>(o.learning_rate / (1.0 - std::pow(o.beta1, o.step)))),
        inverse_sqrt_correction2(static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(o.beta2, o.step)))) {}

  float grad_scale, keep, one_minus_beta1, beta2, one_minus_beta2, epsilon, step_size,
      inverse_sqrt_correction2;
};

inline float Load(const float* p) {
  return *p;
}
inline float Load(const uint16_t* p) {
  return FloatFromBFloat16(*p);
}

template <typename Grad, typename Store>
void Run(int64_t n, const Grad* grad, const AdamWState& state, const AdamWStepOptions& options,
         Store&& store) {
  const Constants c(options);
  ParallelFor(n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float g = Load(grad + i) * c.grad_scale;
      const float m = state.exp_avg[i] + c.one_minus_beta1 * (g - state.exp_avg[i]);
      const float v = c.beta2 * state.exp_avg_sq[i] + c.one_minus_beta2 * g * g;
      const float p = state.parameter[i] * c.keep -
                      c.step_size * m / (std::sqrt(v) * c.inverse_sqrt_correction2 + c.epsilon);
      state.exp_avg[i] = m;
      state.exp_avg_sq[i] = v;
      state.parameter[i] = p;
      store(i, p);
    }
  });
}

}  // namespace

void AdamWStep(int64_t n, const float* grad, const AdamWState& state, const AdamWStepOptions& options) {
  Run(n, grad, state, options, [](int64_t, float) {});
}

void AdamWStep(int64_t n, const uint16_t* grad, const AdamWState& state, uint16_t* rounded,
               const AdamWStepOptions& options) {
  Run(n, grad, state, options, [rounded](int64_t i, float p) { rounded[i] = BFloat16FromFloat(p); });
}

}  // namespace gemtune::kernels
