#include "gemtune/model/norm.h"

#include <gtest/gtest.h>

#include "gemtune/ops/rms_norm.h"
#include "tests/support/gradcheck.h"

namespace gemtune::model {
namespace {

TEST(RmsNormModule, AppliesItsWeightAndEpsilon) {
  at::manual_seed(0);
  const at::NoGradGuard no_grad;
  RmsNorm norm(4, 0.5, at::TensorOptions().dtype(at::kDouble));
  const at::Tensor x = test::RandomDouble({2, 4});
  EXPECT_EQ(test::MaxDifference(norm(x), ops::RmsNorm(x, at::zeros({4}, at::kDouble), 0.5)), 0.0);
  norm->weight.fill_(2.0);
  EXPECT_EQ(test::MaxDifference(norm(x), ops::RmsNorm(x, at::full({4}, 2.0, at::kDouble), 0.5)), 0.0);
}

}  // namespace
}  // namespace gemtune::model
