#include "gemtune/ops/linear.h"

#include "tests/support/against_double.h"

namespace gemtune::ops {
namespace {

TEST(Linear, EqualsTheCompositionInDouble) {
  at::manual_seed(0);
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const int64_t rows : {5, 80}) {
      const at::Tensor x = at::randn({rows, 24}).to(dtype), weight = at::randn({7, 24}).to(dtype);
      test::ExpectEqualsDouble(
          {x, weight}, dtype == at::kFloat ? 1e-5 : 0.02,
          [](const std::vector<at::Tensor>& in) { return std::vector{Linear(in[0], in[1])}; });
    }
  }
}

TEST(Linear, FrozenSidesGetNoGradient) {
  const at::Tensor x = at::randn({5, 8}).requires_grad_(), frozen = at::randn({3, 8});
  Linear(x, frozen).sum().backward();
  EXPECT_TRUE(x.grad().defined());
  EXPECT_FALSE(frozen.grad().defined());
  const at::Tensor weight = at::randn({3, 8}).requires_grad_(), input = at::randn({5, 8});
  Linear(input, weight).sum().backward();
  EXPECT_TRUE(weight.grad().defined());
  EXPECT_FALSE(input.grad().defined());
}

}  // namespace
}  // namespace gemtune::ops
