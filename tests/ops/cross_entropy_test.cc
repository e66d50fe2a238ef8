#include "gemtune/ops/cross_entropy.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"

namespace gemtune::ops {
namespace {

double Plain(const at::Tensor& logits, const std::vector<int64_t>& targets, double smoothing) {
  double loss = 0;
  const int64_t classes = logits.size(1);
  for (size_t r = 0; r < targets.size(); ++r) {
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += std::exp(logits[r][c].item<double>());
    for (int64_t c = 0; c < classes; ++c) {
      const double target = smoothing / static_cast<double>(classes) + (c == targets[r] ? 1 - smoothing : 0);
      loss -= target * (logits[r][c].item<double>() - std::log(sum));
    }
  }
  return loss;
}

TEST(CrossEntropy, EqualsTheEquation) {
  at::manual_seed(0);
  const at::Tensor logits = test::RandomDouble({4, 3}) * 3;
  const std::vector<int64_t> targets = {0, 2, 1, 2};
  for (const double smoothing : {0.0, 0.1}) {
    EXPECT_NEAR(CrossEntropySum(logits, at::tensor(targets), smoothing).item<double>(),
                Plain(logits, targets, smoothing), 1e-12);
  }
}

TEST(CrossEntropy, IsFiniteForLargeLogitsAndReadsBFloat16InFloat) {
  const at::Tensor logits = at::tensor({1e4f, -1e4f}).view({1, 2});
  EXPECT_EQ(CrossEntropySum(logits, at::tensor({1}, at::kLong)).item<double>(), 2e4);
  EXPECT_EQ(CrossEntropySum(logits.to(at::kBFloat16), at::tensor({0}, at::kLong)).scalar_type(), at::kFloat);
}

TEST(CrossEntropy, Gradients) {
  at::manual_seed(0);
  test::ExpectGradients(
      [](const auto& in) {
        return CrossEntropySum(in[0], at::tensor({1, 0, 3}, at::kLong), 0.1);
      },
      {test::RandomDouble({3, 4})});
}

}  // namespace
}  // namespace gemtune::ops
