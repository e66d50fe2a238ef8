#include "gemtune/kernels/adamw.h"

#include <gtest/gtest.h>

#include <vector>

#include "gemtune/base/float16.h"

namespace gemtune::kernels {
namespace {

// torch.optim.AdamW in double: lr 0.1, betas (0.8, 0.95), eps 1e-6, weight_decay 0.2; gradients halved first.
const std::vector<std::vector<float>> kGradients = {{0.5f, -1, 2, 0}, {0.1f, 0.3f, -2, 0}, {1, 1, 1, 0}};
const std::vector<std::vector<double>> kExpected = {
    {0.8800003999984, -1.8600001999995999, 2.8400000999998998, 0.49},
    {0.784430889121164, -1.7847640114503527, 2.794311197999913, 0.48019999999999996},
    {0.6815467337187504, -1.778524137688244, 2.7221944176019113, 0.47059599999999996}};

AdamWStepOptions Options(int64_t step) {
  return {.learning_rate = 0.1,
          .beta1 = 0.8,
          .beta2 = 0.95,
          .epsilon = 1e-6,
          .weight_decay = 0.2,
          .grad_scale = 0.5,
          .step = step};
}

TEST(AdamW, EqualsTorch) {
  std::vector<float> p = {1, -2, 3, 0.5f}, m(4), v(4);
  for (size_t step = 0; step < kGradients.size(); ++step) {
    AdamWStep(4, kGradients[step].data(), {p.data(), m.data(), v.data()},
              Options(static_cast<int64_t>(step) + 1));
    for (size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(p[i], kExpected[step][i], 1e-6) << "step " << step << " element " << i;
  }
}

TEST(AdamW, BFloat16GradientsMoveTheMasterAndRoundTheParameter) {
  std::vector<float> p = {1, -2, 3, 0.5f}, m(4), v(4), same = p, same_m(4), same_v(4);
  std::vector<BFloat16> rounded(4), grad(4);
  for (size_t step = 0; step < kGradients.size(); ++step) {
    std::vector<float> exact(4);
    for (size_t i = 0; i < 4; ++i) {
      grad[i].bits = BFloat16FromFloat(kGradients[step][i]);
      exact[i] = FloatFromBFloat16(grad[i].bits);
    }
    AdamWStep(4, grad.data(), {p.data(), m.data(), v.data(), rounded.data()},
              Options(static_cast<int64_t>(step) + 1));
    AdamWStep(4, exact.data(), {same.data(), same_m.data(), same_v.data()},
              Options(static_cast<int64_t>(step) + 1));
    EXPECT_EQ(p, same);
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(rounded[i].bits, BFloat16FromFloat(p[i]));
  }
}

TEST(AdamW, LongArraysAreTheSameElementByElement) {
  const int64_t n = (1 << 17) + 3;  // more than one thread's grain
  std::vector<float> grad(n), p(n), m(n), v(n);
  for (int64_t i = 0; i < n; ++i) {
    grad[i] = static_cast<float>(i % 7) - 3;
    p[i] = static_cast<float>(i % 5);
  }
  std::vector<float> expected = p;
  AdamWStep(n, grad.data(), {p.data(), m.data(), v.data()}, Options(1));
  for (int64_t i = 0; i < n; ++i) {
    float one_m = 0, one_v = 0;
    AdamWStep(1, &grad[i], {&expected[i], &one_m, &one_v}, Options(1));
    ASSERT_EQ(p[i], expected[i]) << i;
  }
}

TEST(SumOfSquares, AddsUpEveryElement) {
  for (const int64_t n : {0, 1, 15, 4097, (1 << 16) + 5}) {
    std::vector<float> x(static_cast<size_t>(n), 0.5f);
    std::vector<BFloat16> rounded(static_cast<size_t>(n), {BFloat16FromFloat(0.5f)});
    EXPECT_EQ(SumOfSquares(n, x.data()), 0.25 * static_cast<double>(n));
    EXPECT_EQ(SumOfSquares(n, rounded.data()), 0.25 * static_cast<double>(n));
  }
}

}  // namespace
}  // namespace gemtune::kernels
