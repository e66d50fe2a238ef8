#include "gemtune/ops/dropout.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"
#include "tests/support/without_kernels.h"

namespace gemtune::ops {
namespace {

TEST(Dropout, TheCompositionDrawsTheKernelsMasksAndRoundsAlike) {
  at::manual_seed(1);
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::randn({31, 17}).to(dtype);
    const at::Tensor dropped = Dropout(x, 0.3, 5);
    EXPECT_TRUE(at::equal(DropoutByAten(x, 0.3, 5), dropped));
    EXPECT_FALSE(at::equal(DropoutByAten(x, 0.3, 6), dropped));
    EXPECT_NEAR((dropped == 0).to(at::kFloat).mean().item<double>(), 0.3, 0.1);
    const test::WithoutKernels without;
    EXPECT_TRUE(at::equal(Dropout(x, 0.3, 5), dropped));
  }
}

TEST(Dropout, ByIndexWhateverTheStrides) {
  const at::Tensor x = at::randn({9, 14});
  EXPECT_TRUE(at::equal(Dropout(x.t(), 0.5, 3), Dropout(x.t().contiguous(), 0.5, 3)));
  EXPECT_TRUE(at::equal(DropoutByAten(x.t(), 0.5, 3), Dropout(x.t().contiguous(), 0.5, 3)));
}

TEST(Dropout, ARateOfZeroKeepsAll) {
  const at::Tensor x = at::randn({3, 4});
  EXPECT_TRUE(Dropout(x, 0, 1).is_same(x));
  EXPECT_TRUE(DropoutByAten(x, 0, 1).is_same(x));
}

TEST(Dropout, TheCompositionIsDifferentiable) {
  test::ExpectGradients([](const auto& in) { return DropoutByAten(in[0], 0.4, 7); },
                        {test::RandomDouble({5, 6})});
}

TEST(DropoutKey, IsAnotherForEveryPair) {
  EXPECT_NE(DropoutKey(1, 2), DropoutKey(2, 1));
  EXPECT_NE(DropoutKey(1, 2), DropoutKey(1, 3));
  EXPECT_EQ(DropoutKey(1, 2), DropoutKey(1, 2));
}

}  // namespace
}  // namespace gemtune::ops
