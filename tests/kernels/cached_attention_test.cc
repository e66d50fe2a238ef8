#include "gemtune/kernels/cached_attention.h"

#include <algorithm>
#include <cstring>

#include "gemtune/base/parallel.h"
#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

struct Case {
  std::vector<int64_t> counts;
  int64_t heads, kv_heads, head_dim;
};

struct Data {
  Data(const Case& c, bool is_bf16) : shape(c) {
    std::mt19937 random(static_cast<unsigned>(c.heads + c.head_dim));
    const auto sequences = std::ssize(c.counts);
    q = {Operand::Random(is_bf16, static_cast<size_t>(sequences * c.heads * c.head_dim), random)};
    for (const int64_t count : c.counts) {
      for (auto* all : {&k, &v})
        all->push_back(
            Operand::Random(is_bf16, static_cast<size_t>(count * c.kv_heads * c.head_dim), random, 0.7));
    }
  }

  std::vector<KeptRows> Kept() const {
    std::vector<KeptRows> kept;
    for (size_t s = 0; s < k.size(); ++s) kept.push_back({k[s].in(), v[s].in(), shape.counts[s]});
    return kept;
  }

  CachedAttentionShape Shape() const {
    return {.heads = shape.heads, .kv_heads = shape.kv_heads, .head_dim = shape.head_dim, .scale = 0.3f};
  }

  // In double.
  std::vector<double> Expected() const {
    const int64_t width = shape.heads * shape.head_dim, stride = shape.kv_heads * shape.head_dim;
    std::vector<double> out(k.size() * static_cast<size_t>(width));
    for (size_t s = 0; s < k.size(); ++s) {
      for (int64_t h = 0; h < shape.heads; ++h) {
        const int64_t kv = h / (shape.heads / shape.kv_heads) * shape.head_dim;
        const auto first = static_cast<int64_t>(s) * width + h * shape.head_dim;
        std::vector<double> p(static_cast<size_t>(shape.counts[s]));
        double sum = 0;
        for (size_t key = 0; key < p.size(); ++key) {
          for (int64_t i = 0; i < shape.head_dim; ++i)
            p[key] += 0.3f * q[0][static_cast<size_t>(first + i)] *
                      k[s][key * static_cast<size_t>(stride) + static_cast<size_t>(kv + i)];
          sum += p[key] = std::exp(p[key]);
        }
        for (size_t key = 0; key < p.size(); ++key) {
          for (int64_t i = 0; i < shape.head_dim; ++i)
            out[static_cast<size_t>(first + i)] +=
                p[key] / sum * v[s][key * static_cast<size_t>(stride) + static_cast<size_t>(kv + i)];
        }
      }
    }
    return out;
  }

  Case shape;
  std::vector<Operand> q;
  std::vector<Operand> k, v;
};

// One key and a part's 256, more and less; heads that share a key head by fours and by fewer; tails of a
// vector.
const std::vector<Case> kCases = {{{1}, 1, 1, 2},       {{3, 1, 17}, 4, 1, 16}, {{255, 256, 257}, 4, 2, 18},
                                  {{600, 5}, 5, 1, 33}, {{40, 512}, 6, 3, 8},   {{513}, 8, 2, 64}};

TEST(CachedAttention, EqualsSoftmaxInDouble) {
  OnEveryTarget([] {
    for (const Case& c : kCases) {
      for (const bool is_bf16 : {false, true}) {
        const Data data(c, is_bf16);
        const int64_t width = c.heads * c.head_dim;
        Operand out(is_bf16, data.q[0].size());
        CachedAttention(data.Shape(), data.Kept(), {data.q[0].in(), width}, {out.out(), width});
        ExpectClose(out, data.Expected(), is_bf16 ? 1.0 / 256 : 2e-6, "out");
      }
    }
  });
}

TEST(CachedAttention, ASequenceGivesTheSameBitsAloneAndOnAnyThreads) {
  const Case c = {{700, 3, 300}, 4, 1, 64};
  const Data data(c, true);
  const int64_t width = c.heads * c.head_dim;
  const std::vector<KeptRows> kept = data.Kept();
  SetNumThreads(3);
  std::vector<BFloat16> together(static_cast<size_t>(3 * width)), alone(static_cast<size_t>(width));
  CachedAttention(data.Shape(), kept, {data.q[0].in(), width}, {together.data(), width});
  SetNumThreads(1);
  for (size_t s = 0; s < kept.size(); ++s) {
    CachedAttention(data.Shape(), std::span(kept).subspan(s, 1),
                    {data.q[0].in() + static_cast<int64_t>(s) * width, width}, {alone.data(), width});
    EXPECT_EQ(std::memcmp(alone.data(), &together[s * static_cast<size_t>(width)], alone.size() * 2), 0) << s;
  }
  SetNumThreads(0);
}

}  // namespace
}  // namespace gemtune::kernels
