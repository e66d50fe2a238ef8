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

template <MatmulDtype kDtype>
std::vector<OpCase> Cases() {
  std::vector<OpCase> cases;
  const auto append = [&](ProjectionKind kind, const std::vector<ProjectionSize>& sizes) {
    kind.matmul_dtype = kDtype;
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

OP_ROW(Project, .cases = Cases<MatmulDtype::kOperands>, .tolerance = InEpsilons(12, 4));
OP_ROW(ProjectInInt8, .cases = Cases<MatmulDtype::kInt8>, .tolerance = {0.02, 0.02},
       .is_available = HasInt8Products);

}  // namespace
}  // namespace gemtune::ops
