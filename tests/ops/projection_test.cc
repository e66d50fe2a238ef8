#include "gemtune/ops/projection.h"

#include "tests/ops/projection_cases.h"

namespace gemtune::ops {
namespace {

TEST(Projection, EqualsTheEquation) {
  at::manual_seed(0);
  const at::Tensor x = test::RandomDouble({6, 24}), w = test::RandomDouble({7, 24}),
                   a = test::RandomDouble({3, 24}), b = test::RandomDouble({7, 3}),
                   gain = at::rand({7}, at::kDouble);
  const LowRank lora{.a = a, .b = b, .scaling = 1.5}, dora{.a = a, .b = b, .gain = gain, .scaling = 1.5};
  const at::Tensor sum = w + b.matmul(a) * 1.5;  // W + s·B·A
  EXPECT_LT(test::MaxDifference(Project(x, w), x.matmul(w.t())), 1e-12);
  EXPECT_LT(test::MaxDifference(Project(x, {w, lora}), x.matmul(sum.t())), 1e-12);
  EXPECT_LT(test::MaxDifference(Project(x, {w, dora}), x.matmul(sum.t()) * gain), 1e-12);
}

// x is dropped on its way to A alone: with A and B such that the term is x itself, what is left of it says
// which.
TEST(Projection, DropoutIsOfTheAdaptersInputAlone) {
  const at::Tensor x = at::ones({100, 50}), zero = at::zeros({50, 50}), eye = at::eye(50);
  const Projection projection{zero, {.a = eye, .b = eye, .dropout = 0.2, .dropout_key = 4}};
  const at::Tensor y = Project(x, projection);
  const double dropped = (y == 0).to(at::kFloat).mean().item<double>();
  EXPECT_NEAR(dropped, 0.2, 0.034);  // six standard deviations of 5000 draws
  EXPECT_LT(test::MaxDifference(y.masked_select(y != 0), at::full({(y != 0).sum().item<int64_t>()}, 1.25)),
            1e-6);
  EXPECT_EQ(test::MaxDifference(Project(x, projection), y), 0.0);
  Projection with_base = projection;
  with_base.weight = eye;
  EXPECT_LT(test::MaxDifference(Project(x, with_base), y + 1), 1e-6);
}

std::vector<OpCase> Cases(MatmulDtype dtype) {
  std::vector<OpCase> cases;
  const auto append = [&](ProjectionKind kind, const std::vector<ProjectionSize>& sizes) {
    kind.matmul_dtype = dtype;
    for (const auto& [rows, width, out] : sizes) {
      std::vector<Leaf> leaves = {Normal({rows, width}), kind.Weight(out, width)};
      kind.AppendAdapter(out, width, leaves);
      cases.push_back({.name = fmt::format("{}, {} rows of {} to {}", kind.name, rows, width, out),
                       .leaves = leaves,
                       .run =
                           [kind](const Inputs& in) {
                             size_t adapter = 2;
                             return std::vector{Project(in[0], kind.Of(in[1], in, adapter))};
                           },
                       .terms = 1});
    }
  };
  for (const ProjectionKind& kind : ProjectionKinds()) append(kind, ProjectionSizes());
  for (const ProjectionKind& kind : KindsInBlocks()) append(kind, SizesInBlocks());
  return cases;
}

OP_ROW(
    Project, .cases = [] { return Cases(MatmulDtype::kOperands); }, .tolerance = InEpsilons(12, 4));
OP_ROW(
    ProjectInInt8, .cases = [] { return Cases(MatmulDtype::kInt8); }, .tolerance = {0.02, 0.02},
    .is_available = HasInt8Products);

}  // namespace
}  // namespace gemtune::ops
