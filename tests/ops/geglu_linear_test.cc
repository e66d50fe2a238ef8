#include "gemtune/ops/geglu_linear.h"

#include "tests/ops/projection_cases.h"

namespace gemtune::ops {
namespace {

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

void Append(const ProjectionKind& kind, const ProjectionSize& size, bool is_apart,
            std::vector<OpCase>& cases) {
  const auto& [rows, width, out] = size;
  std::vector<Leaf> leaves = {Normal({rows, 2 * width}), kind.Weight(out, width)};
  kind.AppendAdapter(out, width, leaves);
  cases.push_back({.name = fmt::format("{}, {} rows of {} to {}, {}", kind.name, rows, width, out,
                                       is_apart ? "apart" : "side by side"),
                   .leaves = leaves,
                   .run =
                       [kind, is_apart](const Inputs& in) {
                         const auto halves = in[0].chunk(2, 1);
                         const at::Tensor up = is_apart ? halves[1].clone() : halves[1];
                         size_t adapter = 2;
                         return std::vector{GeGluLinear(halves[0], up, kind.Of(in[1], in, adapter))};
                       },
                   .terms = 1});
}

std::vector<OpCase> Cases() {
  std::vector<OpCase> cases;
  for (const ProjectionKind& kind : ProjectionKinds()) {
    for (const ProjectionSize& size : ProjectionSizes()) Append(kind, size, /*is_apart=*/false, cases);
    Append(kind, {80, 17, 6}, /*is_apart=*/true, cases);
  }
  for (const ProjectionKind& kind : KindsInBlocks()) {
    for (const ProjectionSize& size : SizesInBlocks()) Append(kind, size, /*is_apart=*/false, cases);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(GeGluLinear, OpTest,
                         testing::ValuesIn(CellsOf({.cases = Cases, .tolerance = {1e-5, 0.03}})), NameOf);

}  // namespace
}  // namespace gemtune::ops
