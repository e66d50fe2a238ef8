#include "gemtune/ops/geglu.h"

#include <numbers>

#include "tests/ops/harness.h"

namespace gemtune::ops {
namespace {

TEST(GeGlu, EqualsTheEquation) {
  const at::Tensor gate = at::linspace(-6, 6, 25, at::kDouble), up = at::linspace(3, -2, 25, at::kDouble);
  const at::Tensor y = GeGlu(gate, up);
  for (int64_t i = 0; i < 25; ++i) {
    const double g = gate[i].item<double>();
    const double gelu =
        0.5 * g * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (g + 0.044715 * g * g * g)));
    EXPECT_NEAR(y[i].item<double>(), gelu * up[i].item<double>(), 1e-12);
  }
}

TEST(GeGlu, RoundsBFloat16OnceAtTheEnd) {
  at::manual_seed(0);
  const at::Tensor gate = at::randn({100}).to(at::kBFloat16), up = at::randn({100}).to(at::kBFloat16);
  const at::Tensor wide = GeGlu(gate.to(at::kFloat), up.to(at::kFloat));
  EXPECT_EQ(test::MaxDifference(GeGlu(gate, up), wide.to(at::kBFloat16)), 0.0);
}

std::vector<OpCase> GeGluOpCases() {
  std::vector<OpCase> cases;
  for (const int64_t width : VectorTails()) {
    cases.push_back({.name = fmt::format("of {}", width),
                     .leaves = {Normal({2, width}, 2), Normal({2, width})},
                     .run = [](const Inputs& in) { return std::vector{GeGlu(in[0], in[1])}; }});
  }
  return cases;
}

OP_ROW(GeGlu, .cases = GeGluOpCases, .tolerance = InEpsilons(8, 1));

}  // namespace
}  // namespace gemtune::ops
