#include "gemtune/ops/attention.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"

namespace gemtune::ops {
namespace {

using test::MaxDifference;
using test::RandomDouble;

// The definition: every query against every key of its sequence, in double.
at::Tensor Plain(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const PackedLayout& layout,
                 const AttentionOptions& options) {
  at::Tensor out = at::zeros_like(q, at::kDouble);
  const int64_t group = q.size(1) / k.size(1);
  for (int64_t s = 0; s < layout.num_sequences(); ++s) {
    for (int64_t r = layout.cu_rows[s]; r < layout.cu_rows[s + 1]; ++r) {
      const int64_t position = layout.row_positions[r].item<int64_t>();
      const int64_t first = options.window > 0 ? std::max<int64_t>(0, position - options.window + 1) : 0;
      const int64_t start = layout.cu_seqlens[s];
      for (int64_t h = 0; h < q.size(1); ++h) {
        const auto keys =
            k.slice(0, start + first, start + position + 1).select(1, h / group).to(at::kDouble);
        const auto values =
            v.slice(0, start + first, start + position + 1).select(1, h / group).to(at::kDouble);
        const auto weights = at::softmax(keys.matmul(q[r][h].to(at::kDouble)) * options.scale, 0);
        out[r][h] = weights.matmul(values);
      }
    }
  }
  return out;
}

struct Case {
  std::vector<int32_t> cu_seqlens;
  int64_t heads, kv_heads, window;
};

class AttentionCases : public testing::TestWithParam<Case> {};

TEST_P(AttentionCases, EqualsTheDefinition) {
  const auto& [cu_seqlens, heads, kv_heads, window] = GetParam();
  at::manual_seed(0);
  const int64_t tokens = cu_seqlens.back(), dim = 4;
  const at::Tensor q = RandomDouble({tokens, heads, dim}), k = RandomDouble({tokens, kv_heads, dim}),
                   v = RandomDouble({tokens, kv_heads, dim});
  const AttentionOptions options{.scale = 0.7, .window = window};
  const PackedLayout full = PackedLayout::Full(cu_seqlens);
  const at::Tensor expected = Plain(q, k, v, full, options);
  EXPECT_LT(MaxDifference(Attention(q, k, v, full, options), expected), 1e-12);
  EXPECT_LT(
      MaxDifference(Attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), full, options), expected),
      1e-5);

  // Queries of some rows give those rows of the whole.
  std::vector<int64_t> rows;
  for (int64_t t = 0; t < tokens; t += 3) rows.push_back(t);
  const PackedLayout some = full.WithRows(rows);
  EXPECT_LT(MaxDifference(Attention(q.index_select(0, some.rows), k, v, some, options),
                          expected.index_select(0, some.rows)),
            1e-12);
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionCases,
                         testing::Values(Case{{0, 1}, 1, 1, 0}, Case{{0, 5, 6, 13}, 4, 2, 0},
                                         Case{{0, 5, 6, 13}, 4, 1, 3}, Case{{0, 4}, 2, 2, 4},
                                         Case{{0, 5}, 2, 2, 4}, Case{{0, 7, 14}, 3, 1, 1},
                                         Case{{0, 9}, 2, 1, 100}));

TEST(Attention, GradientsAcrossTheWindowsEdge) {
  at::manual_seed(0);
  for (const int64_t window : {0, 2}) {
    const PackedLayout layout = PackedLayout::Full({0, 1, 5});
    test::ExpectGradients(
        [&](const auto& in) {
          return Attention(in[0], in[1], in[2], layout, {.scale = 0.6, .window = window});
        },
        {RandomDouble({5, 2, 3}), RandomDouble({5, 1, 3}), RandomDouble({5, 1, 3})});
    const PackedLayout last = layout.WithRows({0, 4});
    test::ExpectGradients(
        [&](const auto& in) {
          return Attention(in[0], in[1], in[2], last, {.scale = 0.6, .window = window});
        },
        {RandomDouble({2, 2, 3}), RandomDouble({5, 1, 3}), RandomDouble({5, 1, 3})});
  }
}

}  // namespace
}  // namespace gemtune::ops
