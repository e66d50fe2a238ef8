#include "gemtune/ops/projection.h"

#include "tests/support/against_double.h"
#include "tests/support/tiny_gguf.h"

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

std::vector<at::Tensor> Inputs(const Case& c, at::ScalarType dtype, at::ScalarType adapter_dtype) {
  at::manual_seed(0);
  std::vector<at::Tensor> in = {at::randn({6, 24}).to(dtype), at::randn({7, 24}).to(dtype),
                                at::randn({3, 24}).to(adapter_dtype), at::randn({7, 3}).to(adapter_dtype)};
  if (c.has_gain) in.push_back((at::rand({7}) + 0.5).to(adapter_dtype));
  return in;
}

TEST(Projection, EqualsTheEquation) {
  const auto in = Inputs(kCases[2], at::kDouble, at::kDouble);
  const at::Tensor sum = in[1] + in[3].matmul(in[2]) * 1.5;  // W + s·B·A
  EXPECT_LT(test::MaxDifference(Project(in[0], ProjectionOf(in, kCases[0])), in[0].matmul(sum.t())), 1e-12);
  EXPECT_LT(test::MaxDifference(Project(in[0], ProjectionOf(in, kCases[2])), in[0].matmul(sum.t()) * in[4]),
            1e-12);
  EXPECT_LT(test::MaxDifference(Project(in[0], in[1]), in[0].matmul(in[1].t())), 1e-12);
}

TEST(Projection, GradientsEqualFiniteDifferences) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    test::ExpectGradients([&](const auto& in) { return Project(in[0], ProjectionOf(in, c)); },
                          Inputs(c, at::kDouble, at::kDouble));
  }
}

TEST(Projection, TheFusedOpEqualsTheCompositionInDouble) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      test::ExpectEqualsDouble(
          Inputs(c, dtype, at::kFloat), dtype == at::kFloat ? 1e-5 : 0.025,
          [&](const auto& in) { return std::vector{Project(in[0], ProjectionOf(in, c))}; });
    }
  }
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
    auto in = Inputs(c, at::kFloat, at::kFloat);
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
    const auto in = Inputs(c, at::kFloat, at::kFloat);
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

}  // namespace
}  // namespace gemtune::ops
