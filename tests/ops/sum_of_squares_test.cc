#include "gemtune/ops/sum_of_squares.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/support/without_kernels.h"

namespace gemtune::ops {
namespace {

TEST(SumOfSquares, EqualsTheSumInDoubleWithKernelsAndWithout) {
  at::manual_seed(1);
  for (const bool kernels : {true, false}) {
    std::optional<test::WithoutKernels> without;
    if (!kernels) without.emplace();
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kDouble}) {
      const at::Tensor x = at::randn({301, 257}).to(dtype);
      const double expected = x.to(at::kDouble).square().sum().item<double>();
      const at::Tensor sum = SumOfSquares(x);
      EXPECT_EQ(sum.scalar_type(), at::kDouble);
      EXPECT_EQ(sum.dim(), 0);
      EXPECT_NEAR(sum.item<double>(), expected, 1e-6 * expected);
      EXPECT_NEAR(SumOfSquares(x.t()).item<double>(), expected, 1e-6 * expected);
    }
    EXPECT_EQ(SumOfSquares(at::empty({0, 4})).item<double>(), 0);
    EXPECT_EQ(SumOfSquares(at::full({1000}, 1e20f)).item<double>() > 1e42, true);  // beyond fp32's range
  }
}

}  // namespace
}  // namespace gemtune::ops
