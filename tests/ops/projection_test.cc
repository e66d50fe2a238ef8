#include "gemtune/ops/projection.h"

#include "tests/ops/projection_cases.h"

namespace gemtune::ops {
namespace {

struct Case {
  const char* name;
  bool has_gain;
  double dropout;
};

const std::vector<Case> kCases = {{"LoRA", false, 0},
                                  {"LoRA with dropout", false, 0.3},
                                  {"DoRA", true, 0},
                                  {"DoRA with dropout", true, 0.3}};

// in = x, W, A, B and, of DoRA, the gain.
Projection ProjectionOf(const std::vector<at::Tensor>& in, const Case& c) {
  return {in[1],
          {.a = in[2],
           .b = in[3],
           .gain = c.has_gain ? in[4] : at::Tensor(),
           .scaling = 1.5,
           .dropout = c.dropout,
           .dropout_key = 9}};
}

std::vector<at::Tensor> Numbers(const Case& c, at::ScalarType dtype, at::ScalarType adapter_dtype) {
  at::manual_seed(0);
  std::vector<at::Tensor> in = {at::randn({6, 24}).to(dtype), at::randn({7, 24}).to(dtype),
                                at::randn({3, 24}).to(adapter_dtype), at::randn({7, 3}).to(adapter_dtype)};
  if (c.has_gain) in.push_back((at::rand({7}) + 0.5).to(adapter_dtype));
  return in;
}

TEST(Projection, EqualsTheEquation) {
  const auto in = Numbers(kCases[2], at::kDouble, at::kDouble);
  const at::Tensor sum = in[1] + in[3].matmul(in[2]) * 1.5;  // W + s·B·A
  EXPECT_LT(test::MaxDifference(Project(in[0], ProjectionOf(in, kCases[0])), in[0].matmul(sum.t())), 1e-12);
  EXPECT_LT(test::MaxDifference(Project(in[0], ProjectionOf(in, kCases[2])), in[0].matmul(sum.t()) * in[4]),
            1e-12);
  EXPECT_LT(test::MaxDifference(Project(in[0], in[1]), in[0].matmul(in[1].t())), 1e-12);
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

TEST(Projection, AFrozenWeightGetsNoGradientAndTheAdapterDoes) {
  for (const Case& c : kCases) {
    auto in = Numbers(c, at::kFloat, at::kFloat);
    for (size_t i = 2; i < in.size(); ++i) in[i].requires_grad_();
    Project(in[0], ProjectionOf(in, c)).sum().backward();
    EXPECT_FALSE(in[0].grad().defined() || in[1].grad().defined());
    for (size_t i = 2; i < in.size(); ++i)
      EXPECT_GT(in[i].grad().abs().max().item<float>(), 0.0f) << c.name << i;
  }
}

// Frozen in turn: each gradient is the same whatever else is wanted.
TEST(Projection, EachGradientStandsAlone) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const auto in = Numbers(c, at::kFloat, at::kFloat);
    const auto gradient = [&](size_t only, bool all) {
      std::vector<at::Tensor> leaves;
      for (size_t i = 0; i < in.size(); ++i) leaves.push_back(in[i].clone().requires_grad_(all || i == only));
      Project(leaves[0], ProjectionOf(leaves, c)).square().sum().backward();
      return leaves[only].grad();
    };
    for (size_t i = 0; i < in.size(); ++i) {
      EXPECT_LT(test::MaxDifference(gradient(i, false), gradient(i, true)), 1e-4) << i;
    }
  }
}

// Results and all gradients, with few rows and many.
TEST(Projection, AWeightInBlocksGivesWhatItsNumbersGive) {
  const BlockRows blocks = test::RandomBlockRows(kernels::BlockType::kQ5_0, 7, 32, 3);
  for (const Case& c : kCases) {
    for (const auto dtype : {at::kFloat, at::kBFloat16, at::kDouble}) {
      for (const int64_t rows : {5, 90}) {
        SCOPED_TRACE(testing::Message() << c.name << " " << dtype << " " << rows);
        at::manual_seed(0);
        std::vector<at::Tensor> in = {at::randn({rows, 32}).to(dtype), Expand({blocks}, dtype),
                                      at::randn({3, 32}), at::randn({7, 3}), at::rand({7}) + 0.5};
        const auto run = [&](bool is_kept) {
          std::vector<at::Tensor> leaves;
          for (const at::Tensor& t : in) leaves.push_back(t.clone().requires_grad_());
          leaves[1].requires_grad_(false);
          Projection projection = ProjectionOf(leaves, c);
          if (is_kept) {
            projection.weight = blocks.bytes;
            projection.block_type = blocks.type;
          }
          std::vector<at::Tensor> results = {Project(leaves[0], projection)};
          results[0].square().sum().backward();
          for (const at::Tensor& leaf : leaves) {
            if (leaf.grad().defined()) results.push_back(leaf.grad());
          }
          return results;
        };
        const auto expected = run(false), actual = run(true);
        ASSERT_EQ(actual.size(), c.has_gain ? 5u : 4u);
        ASSERT_EQ(actual.size(), expected.size());
        for (size_t i = 0; i < actual.size(); ++i) {
          const double size = expected[i].abs().max().item<double>();
          const bool by_aten = dtype == at::kDouble || (c.has_gain && c.dropout > 0);  // in another order
          EXPECT_LE(test::MaxDifference(actual[i], expected[i]),
                    by_aten ? size * (dtype == at::kBFloat16 ? 0.02 : 1e-5) : 0.0)
              << i;
          EXPECT_GT(size, 0.0);
        }
      }
    }
  }
}

using Op = at::Tensor (*)(const at::Tensor& x, const Projection& projection);

template <Op kOp>
void Append(const ProjectionKind& kind, const ProjectionSize& size, std::vector<OpCase>& cases) {
  const auto& [rows, width, out] = size;
  std::vector<Leaf> leaves = {Normal({rows, width}), kind.Weight(out, width)};
  kind.AppendAdapter(out, width, leaves);
  cases.push_back({.name = fmt::format("{}, {} rows of {} to {}", kind.name, rows, width, out),
                   .leaves = leaves,
                   .run =
                       [kind](const Inputs& in) {
                         size_t adapter = 2;
                         return std::vector{kOp(in[0], kind.Of(in[1], in, adapter))};
                       },
                   .terms = 1});
}

template <Op kOp>
std::vector<OpCase> Cases() {
  std::vector<OpCase> cases;
  for (const ProjectionKind& kind : ProjectionKinds()) {
    for (const ProjectionSize& size : ProjectionSizes()) Append<kOp>(kind, size, cases);
  }
  for (const ProjectionKind& kind : KindsInBlocks()) {
    for (const ProjectionSize& size : SizesInBlocks()) Append<kOp>(kind, size, cases);
  }
  return cases;
}

std::vector<OpCase> CasesInInt8() {
  std::vector<OpCase> cases;
  for (ProjectionKind kind : ProjectionKinds()) {
    kind.matmul_dtype = MatmulDtype::kInt8;
    for (const auto& size : std::vector<ProjectionSize>{{2, 5, 3}, {64, 130, 33}, {131, 65, 40}})
      Append<Project>(kind, size, cases);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Project, OpTest,
                         testing::ValuesIn(CellsOf({.cases = Cases<Project>, .tolerance = {1e-5, 0.03}})),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(
    ProjectByAten, OpTest,
    testing::ValuesIn(CellsOf({.cases = Cases<ProjectByAten>, .tolerance = {1e-5, 0.03}})), NameOf);
INSTANTIATE_TEST_SUITE_P(ProjectInInt8, OpTest,
                         testing::ValuesIn(CellsOf({.cases = CasesInInt8,
                                                    .tolerance = {0.02, 0.03},
                                                    .is_available = HasInt8Products})),
                         NameOf);

}  // namespace
}  // namespace gemtune::ops
