#include "gemtune/ops/geglu_linear.h"

#include "tests/support/against_double.h"

namespace gemtune::ops {
namespace {

TEST(GeGluLinear, EqualsTheCompositionInDouble) {
  at::manual_seed(0);
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor gate_up = at::randn({80, 34}).to(dtype), weight = at::randn({6, 17}).to(dtype);
    const double tolerance = dtype == at::kFloat ? 1e-5 : 0.02;
    test::ExpectEqualsDouble(
        {gate_up, weight}, tolerance, [](const std::vector<at::Tensor>& in) {  // side by side
          return std::vector<at::Tensor>{GeGluLinear(in[0].narrow(1, 0, 17), in[0].narrow(1, 17, 17), in[1])};
        });
    test::ExpectEqualsDouble({gate_up.narrow(1, 0, 17), gate_up.narrow(1, 17, 17), weight}, tolerance,
                             [](const std::vector<at::Tensor>& in) {  // apart
                               return std::vector<at::Tensor>{GeGluLinear(in[0], in[1], in[2])};
                             });
  }
}

TEST(GeGluLinear, TheWeightAloneGetsTheGradientThatItGetsWithTheRest) {
  at::manual_seed(0);
  const at::Tensor gate = at::randn({5, 17}), up = at::randn({5, 17}), value = at::randn({6, 17});
  std::vector<at::Tensor> gradients;
  for (const bool all : {true, false}) {
    const at::Tensor weight = value.clone().requires_grad_();
    GeGluLinear(gate.clone().requires_grad_(all), up.clone().requires_grad_(all), weight)
        .square()
        .sum()
        .backward();
    gradients.push_back(weight.grad());
  }
  EXPECT_LT((gradients[0] - gradients[1]).abs().max().item<float>(), 1e-4);
}

TEST(GeGluLinear, AnAdapterEqualsTheCompositionInDouble) {
  for (const double dropout : {0.0, 0.25}) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      at::manual_seed(3);
      test::ExpectEqualsDouble(
          {at::randn({5, 34}).to(dtype), at::randn({6, 17}).to(dtype), at::randn({2, 17}), at::randn({6, 2}),
           at::rand({6}) + 0.5},
          dtype == at::kFloat ? 1e-5 : 0.03, [&](const std::vector<at::Tensor>& in) {
            const Projection projection{in[1], {.a = in[2], .b = in[3], .gain = in[4], .dropout = dropout}};
            return std::vector<at::Tensor>{
                GeGluLinear(in[0].narrow(1, 0, 17), in[0].narrow(1, 17, 17), projection)};
          });
    }
  }
}

}  // namespace
}  // namespace gemtune::ops
