#include "gemtune/model/attention.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"

namespace gemtune::model {
namespace {

constexpr AttentionShape kShape{.hidden_size = 6,
                                .num_attention_heads = 4,
                                .num_key_value_heads = 2,
                                .head_dim = 4,
                                .sliding_window = 3,
                                .scale = 0.4};

Attention Random() {
  at::manual_seed(0);
  const at::NoGradGuard no_grad;
  Attention attention(kShape, at::TensorOptions().dtype(at::kDouble));
  for (const at::Tensor& parameter : attention->parameters()) parameter.normal_();
  return attention;
}

TEST(AttentionModule, HasTheParametersOfTheCheckpoint) {
  const auto parameters = Random()->named_parameters();
  EXPECT_EQ(parameters["q_proj.weight"].sizes(), (std::vector<int64_t>{16, 6}));
  EXPECT_EQ(parameters["k_proj.weight"].sizes(), (std::vector<int64_t>{8, 6}));
  EXPECT_EQ(parameters["v_proj.weight"].sizes(), (std::vector<int64_t>{8, 6}));
  EXPECT_EQ(parameters["o_proj.weight"].sizes(), (std::vector<int64_t>{6, 16}));
  EXPECT_EQ(parameters["q_norm.weight"].sizes(), (std::vector<int64_t>{4}));
  EXPECT_EQ(parameters["k_norm.weight"].sizes(), (std::vector<int64_t>{4}));
  EXPECT_EQ(parameters.size(), 6u);
}

TEST(AttentionModule, RowsAloneGiveTheRowsOfTheWhole) {
  Attention attention = Random();
  const RmsNorm norm(6, 1e-6, at::TensorOptions().dtype(at::kDouble));
  const at::Tensor x = test::RandomDouble({9, 6});
  const auto rope = ops::MakeRopeTable(8, 4, 100.0, 1.0);
  const auto layout = ops::PackedLayout::Full({0, 1, 9});
  const at::Tensor whole = attention(x, norm, layout, rope);
  const at::Tensor rows = attention(x, norm, layout.WithRows({0, 4, 8}), rope);
  EXPECT_LT(test::MaxDifference(rows, whole.index_select(0, at::tensor({0, 4, 8}, at::kLong))), 1e-12);
}

// A token before the window, or after the query, must have no effect.
TEST(AttentionModule, SeesItsWindowOnly) {
  Attention attention = Random();
  const RmsNorm norm(6, 1e-6, at::TensorOptions().dtype(at::kDouble));
  const at::Tensor x = test::RandomDouble({8, 6});
  const auto rope = ops::MakeRopeTable(8, 4, 100.0, 1.0);
  const auto layout = ops::PackedLayout::Full({0, 8});
  const at::Tensor before = attention(x, norm, layout, rope);
  at::Tensor changed = x.clone();
  changed[2] += 1.0;
  const at::Tensor difference = (attention(changed, norm, layout, rope) - before).abs().amax(-1);
  for (const int64_t t : {0, 1, 5, 6, 7}) EXPECT_EQ(difference[t].item<double>(), 0.0) << t;
  for (const int64_t t : {2, 3, 4}) EXPECT_GT(difference[t].item<double>(), 1e-6) << t;
}

}  // namespace
}  // namespace gemtune::model
