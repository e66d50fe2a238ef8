#include "gemtune/ops/norm_linear.h"

#include "tests/support/against_double.h"
#include "tests/support/tiny_gguf.h"

namespace gemtune::ops {
namespace {

TEST(NormLinear, EqualsTheCompositionInDouble) {
  at::manual_seed(0);
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const int64_t rows : {5, 80}) {
      const at::Tensor x = at::randn({rows, 24}), norm = (at::randn({24}) * 0.3).to(dtype),
                       a = at::randn({7, 24}).to(dtype), b = at::randn({3, 24}).to(dtype);
      test::ExpectEqualsDouble({x, norm, a, b}, dtype == at::kFloat ? 1e-5 : 0.02,
                               [](const std::vector<at::Tensor>& in) {
                                 return NormLinear(in[0], in[1], 1e-6, {in[2], in[3]});
                               });
    }
  }
}

TEST(NormLinear, FrozenWeightsGetNoGradient) {
  const at::Tensor x = at::randn({5, 8}).requires_grad_(), norm = at::zeros({8}).requires_grad_(),
                   frozen = at::randn({3, 8});
  NormLinear(x, norm, 1e-6, {frozen})[0].sum().backward();
  EXPECT_TRUE(x.grad().defined());
  EXPECT_FALSE(frozen.grad().defined());
}

// Adapters on some of several projections, with and without DoRA's gain, and with masks of their own.
TEST(NormLinear, AdaptersEqualTheCompositionInDouble) {
  for (const double dropout : {0.0, 0.25}) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      at::manual_seed(2);
      std::vector<at::Tensor> inputs = {at::randn({5, 24}), (at::randn({24}) * 0.3).to(dtype)};
      for (const int64_t height : {7, 3, 4}) inputs.push_back(at::randn({height, 24}).to(dtype));
      for (const int64_t height : {7, 4}) {
        inputs.push_back(at::randn({2, 24}));
        inputs.push_back(at::randn({height, 2}));
      }
      if (dropout == 0) inputs.push_back(at::rand({4}) + 0.5);
      test::ExpectEqualsDouble(
          inputs, dtype == at::kFloat ? 1e-5 : 0.03, [&](const std::vector<at::Tensor>& in) {
            return NormLinear(
                in[0], in[1], 1e-6,
                {{in[2], {.a = in[5], .b = in[6], .scaling = 0.5, .dropout = dropout, .dropout_key = 1}},
                 in[3],
                 {in[4],
                  {.a = in[7],
                   .b = in[8],
                   .gain = dropout == 0 ? in[9] : at::Tensor(),
                   .scaling = 2,
                   .dropout = dropout,
                   .dropout_key = 2}}});
          });
    }
  }
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

}  // namespace
}  // namespace gemtune::ops
