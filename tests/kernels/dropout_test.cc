#include "gemtune/kernels/dropout.h"

#include <set>

#include "gemtune/base/parallel.h"
#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

std::vector<float> DroppedOnes(size_t n, double rate, uint64_t key) {
  const std::vector<float> ones(n, 1.0f);
  std::vector<float> y(n);
  Dropout(static_cast<int64_t>(n), ones.data(), rate, key, y.data());
  return y;
}

TEST(DropoutKernel, DropsAtItsRateAndScalesTheRest) {
  constexpr size_t kCount = 1 << 20;
  for (const double rate : {0.05, 0.5, 0.9}) {
    const std::vector<float> y = DroppedOnes(kCount, rate, 7);
    size_t dropped = 0, neighbours = 0;
    for (size_t i = 0; i < kCount; ++i) {
      if (y[i] == 0) {
        ++dropped;
      } else {
        ASSERT_FLOAT_EQ(y[i], static_cast<float>(1 / (1 - rate)));
      }
      if (i > 0 && y[i] == 0 && y[i - 1] == 0) ++neighbours;
    }
    // Six standard deviations of a binomial count; also of pairs, which are dropped at rate².
    const double deviation = 6 * std::sqrt(kCount * rate * (1 - rate));
    EXPECT_NEAR(static_cast<double>(dropped), kCount * rate, deviation) << rate;
    EXPECT_NEAR(static_cast<double>(neighbours), kCount * rate * rate, 2 * deviation) << rate;
  }
}

TEST(DropoutKernel, AMaskDependsOnKeyAndIndexAlone) {
  const std::vector<float> y = DroppedOnes(40001, 0.5, 3);
  SetNumThreads(1);
  EXPECT_EQ(DroppedOnes(40001, 0.5, 3), y);
  SetNumThreads(0);
  const std::vector<float> shorter = DroppedOnes(33, 0.5, 3);
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), y.begin()));
  EXPECT_NE(DroppedOnes(33, 0.5, 4), shorter);
  std::set<uint64_t> keys;
  for (uint64_t key = 0; key < 50; ++key) {
    for (uint64_t stream = 0; stream < 50; ++stream) keys.insert(DropoutKey(key, stream));
  }
  EXPECT_EQ(keys.size(), 2500u);
}

TEST(DropoutKernel, KeepsTheNumbersOfEitherType) {
  std::mt19937 random(1);
  for (const bool is_bf16 : {false, true}) {
    for (size_t n = 0; n <= 5; ++n) {
      const Operand x = Operand::Random(is_bf16, n, random);
      Operand y(is_bf16, n), same(is_bf16, n);
      const std::vector<float> mask = DroppedOnes(n, 0.25, n);
      Dropout(static_cast<int64_t>(n), x.in(), 0.25, n, y.out());
      Dropout(static_cast<int64_t>(n), x.in(), 0.0, n, same.out());
      for (size_t i = 0; i < n; ++i) {
        EXPECT_NEAR(y[i], x[i] * mask[i], is_bf16 ? 0.01 * std::abs(x[i]) : 1e-6);
        EXPECT_EQ(same[i], x[i]);
      }
    }
  }
}

}  // namespace
}  // namespace gemtune::kernels
