#include "gemtune/ops/norm_linear.h"

#include "tests/ops/projection_cases.h"

namespace gemtune::ops {
namespace {

TEST(NormLinear, FrozenWeightsGetNoGradient) {
  const at::Tensor x = at::randn({5, 8}).requires_grad_(), norm = at::zeros({8}).requires_grad_(),
                   frozen = at::randn({3, 8});
  NormLinear(x, norm, 1e-6, {frozen})[0].sum().backward();
  EXPECT_TRUE(x.grad().defined());
  EXPECT_FALSE(frozen.grad().defined());
}

// Whatever is frozen beside it, a gradient is what it is when everything is trained.
TEST(NormLinear, FreezingTheOthersLeavesAGradientAsItIs) {
  at::manual_seed(0);
  const std::vector<at::Tensor> values = {at::randn({5, 8}), at::randn({8}) * 0.1, at::randn({3, 8}),
                                          at::randn({2, 8})};  // x, the norm's weight, two weights
  const auto gradients = [&](unsigned trained) {
    std::vector<at::Tensor> inputs;
    for (size_t i = 0; i < values.size(); ++i)
      inputs.push_back(values[i].clone().requires_grad_((trained >> i & 1u) != 0));
    const auto results = NormLinear(inputs[0], inputs[1], 1e-6, {inputs[2], inputs[3]});
    (results[0].square().sum() + results[1].square().sum()).backward();
    std::vector<at::Tensor> found;
    for (const at::Tensor& input : inputs) found.push_back(input.grad());
    return found;
  };
  const auto all = gradients(15);
  for (unsigned trained = 1; trained < 15; ++trained) {
    const auto some = gradients(trained);
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(some[i].defined(), (trained >> i & 1u) != 0) << trained << " " << i;
      if (!some[i].defined()) continue;
      EXPECT_LT((some[i] - all[i]).abs().max().item<float>(), 1e-4) << trained << " " << i;
    }
  }
}

// Three types in one product, of which two have adapters.
TEST(NormLinear, WeightsInBlocksGiveWhatTheirNumbersGive) {
  const std::vector<BlockRows> blocks = {test::RandomBlockRows(kernels::BlockType::kQ5_0, 21, 64, 1),
                                         test::RandomBlockRows(kernels::BlockType::kQ4_0, 9, 64, 2),
                                         test::RandomBlockRows(kernels::BlockType::kQ8_0, 12, 64, 3)};
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const auto run = [&](bool is_kept) {
      at::manual_seed(0);
      const at::Tensor x = at::randn({80, 64}).requires_grad_(), norm = (at::randn({64}) * 0.3).to(dtype);
      std::vector<Projection> projections;
      for (const BlockRows& piece : blocks) {
        projections.emplace_back(is_kept ? piece.bytes : Expand({piece}, dtype));
        if (is_kept) projections.back().block_type = piece.type;
      }
      const at::Tensor a = at::randn({2, 64}).requires_grad_(), b = at::randn({12, 2}).requires_grad_();
      projections[2].low_rank = {.a = a, .b = b, .scaling = 0.5};
      const auto y = NormLinear(x, norm, 1e-6, projections);
      (y[0].square().sum() + y[1].square().sum() + y[2].square().sum()).backward();
      return std::vector{y[0], y[1], y[2], x.grad(), a.grad(), b.grad()};
    };
    const auto expected = run(false), actual = run(true);
    for (size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(at::equal(actual[i], expected[i])) << dtype << i;
  }
}

// Weights of heights 7, 3 and 4 and so on, which lie behind one another in memory or apart.
void Append(const std::vector<ProjectionKind>& kinds, int64_t rows, int64_t width, bool is_apart,
            std::vector<OpCase>& cases) {
  std::vector<Leaf> leaves = {Normal({rows, width}, 1, Held::kWide), Normal({width}, 0.3)};
  std::vector<at::Tensor> weights;
  std::string name = fmt::format("{} rows of {}, {}", rows, width, is_apart ? "apart" : "adjacent");
  const std::vector<int64_t> heights = {7, 3, 4};
  for (size_t i = 0; i < kinds.size(); ++i) {
    weights.push_back(kinds[i].Weight(heights[i], width).numbers);
    name += ", " + kinds[i].name;
  }
  leaves.push_back(
      {.numbers = at::cat(weights), .is_frozen = kinds[0].is_frozen || kinds[0].block_type.has_value()});
  for (size_t i = 0; i < kinds.size(); ++i) kinds[i].AppendAdapter(heights[i], width, leaves);
  cases.push_back({.name = name,
                   .leaves = leaves,
                   .run =
                       [kinds, heights, is_apart](const Inputs& in) {
                         std::vector<Projection> projections;
                         int64_t row = 0;
                         size_t adapter = 3;
                         for (size_t i = 0; i < kinds.size(); ++i) {
                           const at::Tensor weight = in[2].narrow(0, row, heights[i]);
                           projections.push_back(
                               kinds[i].Of(is_apart ? weight.clone() : weight, in, adapter));
                           row += heights[i];
                         }
                         return NormLinear(in[0], in[1], 0.1, projections);
                       },
                   .terms = 1});
}

std::vector<OpCase> Cases() {
  const auto kinds = ProjectionKinds();
  const ProjectionKind &plain = kinds[0], &lora = kinds[1], &dora = kinds[2], &dropped = kinds[3],
                       &dropped_dora = kinds[4], &frozen = kinds[5], &frozen_lora = kinds[6];
  std::vector<OpCase> cases;
  Append({lora, plain, dora}, 2, 3, /*is_apart=*/false, cases);
  for (const auto& group : std::vector<std::vector<ProjectionKind>>{{plain},
                                                                    {plain, plain},
                                                                    {plain, plain, plain},
                                                                    {lora, plain, dora},
                                                                    {dropped, plain, dropped},
                                                                    {dropped_dora, lora},
                                                                    {frozen, frozen_lora, frozen_lora}}) {
    for (const bool is_apart : {false, true}) {
      for (const int64_t rows : {5, 80}) Append(group, rows, 24, is_apart, cases);
    }
  }
  for (const int64_t width : VectorTails()) Append({plain, lora}, 3, width, /*is_apart=*/false, cases);
  for (const int64_t rows : {5, 90}) {
    for (const ProjectionKind& kind : KindsInBlocks())
      Append({kind, kind}, rows, 256, /*is_apart=*/true, cases);
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(NormLinear, OpTest,
                         testing::ValuesIn(CellsOf({.cases = Cases, .tolerance = {1e-5, 0.03}})), NameOf);

}  // namespace
}  // namespace gemtune::ops
