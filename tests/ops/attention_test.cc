#include "gemtune/ops/attention.h"

#include "tests/ops/attention_cases.h"

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

TEST(Attention, EqualsTheDefinition) {
  at::manual_seed(0);
  for (const AttentionCase& c : AttentionCases()) {
    if (c.num_tokens() > 50) continue;  // it is slow
    const PackedLayout layout = c.Layout(at::kCPU);
    const at::Tensor q = RandomDouble({c.num_rows(), c.heads, c.head_dim}),
                     k = RandomDouble({c.num_tokens(), c.kv_heads, c.head_dim}),
                     v = RandomDouble({c.num_tokens(), c.kv_heads, c.head_dim});
    const AttentionOptions options{.scale = 0.7, .window = c.window};
    EXPECT_LT(MaxDifference(Attention(q, k, v, layout, options), Plain(q, k, v, layout, options)), 1e-12)
        << c.Name();
  }
}

std::vector<OpCase> AttentionOpCases() {
  std::vector<OpCase> cases;
  for (const AttentionCase& c : AttentionCases()) {
    cases.push_back({.name = c.Name(),
                     .leaves = {Normal({c.num_rows(), c.heads, c.head_dim}),
                                Normal({c.num_tokens(), c.kv_heads, c.head_dim}),
                                Normal({c.num_tokens(), c.kv_heads, c.head_dim})},
                     .run =
                         [c](const Inputs& in) {
                           return std::vector{Attention(in[0], in[1], in[2], c.Layout(in.device),
                                                        {.scale = c.scale(), .window = c.window})};
                         },
                     .terms = c.terms});
  }
  return cases;
}

OP_ROW(Attention, .cases = AttentionOpCases, .tolerance = InEpsilons(24, 3));

}  // namespace
}  // namespace gemtune::ops
