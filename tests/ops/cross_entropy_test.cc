#include "gemtune/ops/cross_entropy.h"

#include "tests/ops/harness.h"

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

std::vector<OpCase> CrossEntropyOpCases() {
  std::vector<OpCase> cases;
  for (const double smoothing : {0.1, 0.0}) {
    for (const int64_t classes : {4, 1, 2, 17, 33, 1000}) {
      cases.push_back(
          {.name = fmt::format("{} classes, smoothing {}", classes, smoothing),
           .leaves = {Normal({3, classes}, 3)},
           .run =
               [smoothing, classes](const Inputs& in) {
                 const auto targets = at::tensor({0, 3, 1}, at::kLong).remainder(classes).to(in.device);
                 return std::vector{CrossEntropySum(in[0], targets, smoothing)};
               },
           .terms = 1});
    }
  }
  return cases;
}

// ATen adds up 1,000 exponentials in an order of its own on each processor: on Arm 8.3.
OP_ROW(CrossEntropySum, .cases = CrossEntropyOpCases, .tolerance = InEpsilons(12, 1), .results = Held::kWide);

}  // namespace
}  // namespace gemtune::ops
