#include "gemtune/kernels/softmax_cross_entropy.h"

#include <limits>

#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

void Check(bool is_bf16, size_t rows, size_t columns, double scale) {
  std::mt19937 random(static_cast<unsigned>(rows * 100 + columns));
  Operand x = Operand::Random(is_bf16, rows * columns, random, scale);
  std::vector<int64_t> targets(rows);
  std::vector<double> losses(rows), gradients(rows * columns);
  std::vector<uint8_t> is_correct(rows);
  for (size_t r = 0; r < rows; ++r) {
    targets[r] = static_cast<int64_t>(random() % columns);
    const auto target = static_cast<size_t>(targets[r]);
    double largest = x[r * columns], sum = 0;
    size_t first = 0;
    for (size_t i = 1; i < columns; ++i) {
      if (x[r * columns + i] <= largest) continue;
      largest = x[r * columns + i];
      first = i;
    }
    for (size_t i = 0; i < columns; ++i) sum += std::exp(x[r * columns + i] - largest);
    losses[r] = std::log(sum) + largest - x[r * columns + target];
    is_correct[r] = first == target ? 1 : 0;
    for (size_t i = 0; i < columns; ++i)
      gradients[r * columns + i] = std::exp(x[r * columns + i] - largest) / sum - (i == target ? 1 : 0);
  }
  const auto n = static_cast<int64_t>(rows), c = static_cast<int64_t>(columns);
  std::vector<float> measured(rows), again(rows);
  std::vector<uint8_t> correct(rows);
  SoftmaxLosses(n, c, x.in(), targets.data(), measured.data(), correct.data());
  ExpectClose(measured, losses, 2e-6, "losses", 1.0);
  EXPECT_EQ(correct, is_correct);
  SoftmaxGradients(n, c, x.out(), targets.data(), again.data());
  EXPECT_EQ(again, measured);
  for (size_t i = 0; i < gradients.size(); ++i) {
    ASSERT_NEAR(x[i], gradients[i], (is_bf16 ? 0.004 : 2e-6) * std::abs(gradients[i]) + 1e-7)
        << rows << "x" << columns << " at " << i;
  }
}

TEST(SoftmaxCrossEntropyKernel, EqualsDoublePrecisionOnEveryInstructionSet) {
  OnEveryTarget([] {
    for (const bool is_bf16 : {false, true}) {
      for (size_t columns = 1; columns <= 67; ++columns) Check(is_bf16, 3, columns, 3.0);
      Check(is_bf16, 5, 4099, 10.0);
    }
  });
}

TEST(SoftmaxCrossEntropyKernel, HoldsAtExtremes) {
  const float infinity = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  const auto loss = [](std::vector<float> x, int64_t target) {
    float first = 0, again = 0;
    uint8_t is_correct = 0;
    SoftmaxLosses(1, std::ssize(x), x.data(), &target, &first, &is_correct);
    SoftmaxGradients(1, std::ssize(x), x.data(), &target, &again);
    EXPECT_TRUE(first == again || (std::isnan(first) && std::isnan(again)));
    return first;
  };
  EXPECT_EQ(loss({1e4f, -1e4f, 0}, 0), 0.0f);
  EXPECT_EQ(loss({1e4f, -1e4f, 0}, 1), 2e4f);
  EXPECT_NEAR(loss(std::vector<float>(1000, 1e30f), 5), std::log(1000.0), 1e-4);
  EXPECT_NEAR(loss({0, -infinity, 0}, 0), std::log(2.0), 1e-6);
  EXPECT_TRUE(std::isnan(loss({0, nan, 0}, 0)));
  for (size_t size : {3, 40}) {
    for (const float bad : {nan, infinity}) {
      std::vector<float> x(size, 0.0f);
      x[1] = bad;
      EXPECT_TRUE(std::isnan(loss(x, 0)));
      x[1] = 0;
      x[size - 1] = bad;
      EXPECT_TRUE(std::isnan(loss(x, 0)));
    }
  }
}

TEST(SoftmaxCrossEntropyKernel, OfEqualLogitsTheFirstIsTheLargest) {
  const std::vector<float> x = {1, 2, 2, 0};
  for (const auto& [target, is_first] : {std::pair<int64_t, int>{1, 1}, {2, 0}, {3, 0}}) {
    float loss = 0;
    uint8_t is_correct = 0;
    SoftmaxLosses(1, 4, x.data(), &target, &loss, &is_correct);
    EXPECT_EQ(is_correct, is_first) << target;
  }
}

}  // namespace
}  // namespace gemtune::kernels
