#include "gemtune/model/linear.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"

namespace gemtune::model {
namespace {

TEST(Linear, MultipliesWithTheTransposedWeight) {
  const at::NoGradGuard no_grad;
  Linear linear(2, 3, at::TensorOptions().dtype(at::kDouble));
  EXPECT_EQ(linear->weight.sizes(), (std::vector<int64_t>{3, 2}));
  linear->weight.copy_(at::arange(6, at::kDouble).view({3, 2}));
  const at::Tensor y = linear(at::tensor({1.0, 10.0}).view({1, 2}));
  EXPECT_EQ(test::MaxDifference(y, at::tensor({10.0, 32.0, 54.0}).view({1, 3})), 0.0);
  EXPECT_EQ(linear->named_parameters().keys(), (std::vector<std::string>{"weight"}));
}

}  // namespace
}  // namespace gemtune::model
