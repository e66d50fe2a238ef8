#include "gemtune/kernels/uniform_noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "gemtune/base/parallel.h"

namespace gemtune::kernels {
namespace {

TEST(UniformNoise, IsUniform) {
  std::vector<float> y(200'000);
  UniformNoise(std::ssize(y), 5, y.data());
  double sum = 0, squares = 0, products = 0;
  std::vector<int> tenths(10);
  for (size_t i = 0; i < y.size(); ++i) {
    ASSERT_TRUE(y[i] >= -1 && y[i] < 1);
    sum += y[i];
    squares += y[i] * y[i];
    products += i == 0 ? 0 : y[i] * y[i - 1];
    ++tenths[static_cast<size_t>((y[i] + 1) * 5)];
  }
  const auto n = static_cast<double>(y.size());
  EXPECT_NEAR(sum / n, 0, 0.005);
  EXPECT_NEAR(squares / n, 1.0 / 3, 0.003);
  EXPECT_NEAR(products / n, 0, 0.003);
  for (const int count : tenths) EXPECT_NEAR(count, n / 10, 5 * std::sqrt(n / 10));
}

TEST(UniformNoise, DependsOnTheKeyAndTheIndexAlone) {
  std::vector<float> whole(70'001), part(100), other(100);
  UniformNoise(std::ssize(whole), 9, whole.data());
  UniformNoise(100, 9, part.data());
  UniformNoise(100, 10, other.data());
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin()));
  EXPECT_NE(part, other);
  const int threads = NumThreads();
  std::vector<float> alone(whole.size());
  SetNumThreads(1);
  UniformNoise(std::ssize(alone), 9, alone.data());
  SetNumThreads(threads);
  EXPECT_EQ(alone, whole);
}

}  // namespace
}  // namespace gemtune::kernels
