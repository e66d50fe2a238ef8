#include "gemtune/ops/cached_attention.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/ops/harness.h"

namespace gemtune::ops {
namespace {

// Sequences of these lengths, each taken `steps` (repeated) tokens at a time.
struct CachedCase {
  std::vector<int64_t> lengths, steps;
  int64_t heads, kv_heads, head_dim, window;

  int64_t num_tokens() const { return std::accumulate(lengths.begin(), lengths.end(), int64_t{0}); }
  double scale() const { return 1 / std::sqrt(static_cast<double>(head_dim)); }
  std::string Name() const {
    return fmt::format("lengths {}, steps {}, {} heads on {} of {}, a window of {}", fmt::join(lengths, "+"),
                       fmt::join(steps, "+"), heads, kv_heads, head_dim, window);
  }
};

// One token at a time, which another kernel computes, and several; rings that turn; steps longer than the
// window; caches that grow; sequences that end before others.
const std::vector<CachedCase> kCases = {{{5}, {1}, 2, 1, 4, 0},
                                        {{5}, {1}, 2, 1, 4, 3},
                                        {{9, 3}, {4, 1}, 2, 1, 8, 4},
                                        {{20, 11, 1}, {3, 1, 1, 5}, 4, 2, 6, 7},
                                        {{70, 150}, {66, 1}, 4, 1, 16, 8},
                                        {{150, 90}, {40, 1, 50}, 4, 1, 32, 0},
                                        {{600}, {270, 1}, 4, 1, 16, 512}};

std::vector<int32_t> Sums(const std::vector<int64_t>& counts) {
  std::vector<int32_t> sums = {0};
  for (const int64_t count : counts) sums.push_back(sums.back() + static_cast<int32_t>(count));
  return sums;
}

QkNorm Norm(const Inputs& in) {
  return {.q_weight = in[0], .k_weight = in[1], .eps = 0.1};
}

// The whole, step by step. `rows`: only the last of each step's tokens is a query.
at::Tensor StepByStep(const CachedCase& c, const Inputs& in, const RopeTable& rope, bool rows) {
  std::vector<KvRows> caches(c.lengths.size());
  const std::vector<int32_t> first = Sums(c.lengths);
  at::Tensor out = at::zeros(in[2].sizes(), in[2].options());
  std::vector<int64_t> done(c.lengths.size());
  for (size_t step = 0; done != c.lengths; ++step) {
    std::vector<int64_t> begins, counts, tokens, queries;
    std::vector<KvRows*> kept;
    for (size_t s = 0; s < done.size(); ++s) {
      const int64_t count = std::min(c.steps[step % c.steps.size()], c.lengths[s] - done[s]);
      if (count == 0) continue;
      begins.push_back(done[s]);
      counts.push_back(count);
      kept.push_back(&caches[s]);
      for (int64_t i = 0; i < count; ++i) tokens.push_back(first[s] + done[s] + i);
      queries.push_back(std::ssize(tokens) - 1);
      done[s] += count;
    }
    const at::Tensor index = at::tensor(tokens, at::kLong).to(in.device);
    PackedLayout layout = PackedLayout::Continued(Sums(counts), begins, in.device);
    at::Tensor targets = index;
    if (rows) {
      layout = layout.WithRows(queries);
      targets = index.index_select(0, layout.rows);
    }
    out.index_copy_(0, targets,
                    CachedQkvAttention(in[2].index_select(0, targets), in[3].index_select(0, index),
                                       in[4].index_select(0, index), Norm(in), rope, layout,
                                       {.scale = c.scale(), .window = c.window}, kept));
  }
  return out;
}

std::vector<OpCase> CachedAttentionOpCases() {
  std::vector<OpCase> cases;
  for (const CachedCase& c : kCases) {
    const int64_t width = c.kv_heads * c.head_dim;
    cases.push_back({.name = c.Name(),
                     .leaves = {Normal({c.head_dim}, 0.3), Normal({c.head_dim}, 0.3),
                                Normal({c.num_tokens(), c.heads * c.head_dim}),
                                Normal({c.num_tokens(), width}), Normal({c.num_tokens(), width})},
                     .run = [c, table = MakeRopeTable(600, c.head_dim, 100.0, 1.0)](const Inputs& in) {
                       const RopeTable rope = {.cos = table.cos.to(in.device),
                                               .sin = table.sin.to(in.device)};
                       if (!in.is_reference()) return std::vector{StepByStep(c, in, rope, /*rows=*/false)};
                       return std::vector{QkvAttention(in[2], in[3], in[4], Norm(in), rope,
                                                       PackedLayout::Full(Sums(c.lengths), in.device),
                                                       {.scale = c.scale(), .window = c.window})};
                     }});
  }
  return cases;
}

OP_ROW(CachedQkvAttention, .cases = CachedAttentionOpCases, .tolerance = InEpsilons(40, 4),
       .has_gradients = false);

TEST(CachedAttention, SelectedQueriesGiveTheirRows) {
  for (const CachedCase& c : kCases) {
    at::manual_seed(1);
    const int64_t width = c.kv_heads * c.head_dim;
    const Inputs in = {
        {at::randn({c.head_dim}), at::randn({c.head_dim}), at::randn({c.num_tokens(), c.heads * c.head_dim}),
         at::randn({c.num_tokens(), width}), at::randn({c.num_tokens(), width})},
        at::kFloat,
        at::kCPU};
    const RopeTable rope = MakeRopeTable(600, c.head_dim, 100.0, 1.0);
    const at::Tensor all = StepByStep(c, in, rope, false), some = StepByStep(c, in, rope, true);
    const at::Tensor chosen = some.abs().sum(1) > 0;
    EXPECT_GE(chosen.sum().item<int64_t>(), std::ssize(c.lengths));
    EXPECT_LT((some - all).index({chosen}).abs().max().item<double>(), 1e-5) << c.Name();
  }
}

TEST(CachedAttention, KeepsNoMoreThanTheWindow) {
  KvRows rows;
  const at::Tensor like = at::zeros({1, 8});
  Reserve(rows, 3, 512, like);
  EXPECT_EQ(rows.capacity(), 64);
  Reserve(rows, 65, 512, like);
  EXPECT_EQ(rows.capacity(), 128);
  Reserve(rows, 100'000, 512, like);
  EXPECT_EQ(rows.capacity(), 512);
  KvRows global;
  Reserve(global, 100, 0, like);
  const at::Tensor before = global.k;
  Reserve(global, 100, 0, like);
  EXPECT_TRUE(global.k.is_same(before));
  Reserve(global, 101, 0, like);
  EXPECT_EQ(global.capacity(), 200);
}

}  // namespace
}  // namespace gemtune::ops
