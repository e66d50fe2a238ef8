#include "gemtune/kernels/attention.h"

#include <numeric>

#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

struct Case {
  std::vector<int32_t> lengths;
  int64_t heads, kv_heads, head_dim, window;
  bool last_row_only = false;
};

// A packed batch and its queries, with the arrays that AttentionShape points to.
struct Batch {
  explicit Batch(const Case& c) {
    for (const int32_t length : c.lengths) {
      cu_seqlens.push_back(cu_seqlens.back() + length);
      for (int32_t p = c.last_row_only ? length - 1 : 0; p < length; ++p) {
        row_positions.push_back(p);
        row_keys.push_back(cu_seqlens[cu_seqlens.size() - 2]);
      }
      cu_rows.push_back(static_cast<int32_t>(row_positions.size()));
    }
    shape = {.num_sequences = static_cast<int64_t>(c.lengths.size()),
             .cu_seqlens = cu_seqlens.data(),
             .cu_rows = cu_rows.data(),
             .row_positions = row_positions.data(),
             .heads = c.heads,
             .kv_heads = c.kv_heads,
             .head_dim = c.head_dim,
             .scale = 0.37f,
             .window = c.window};
  }
  size_t rows() const { return row_positions.size(); }
  size_t tokens() const { return static_cast<size_t>(cu_seqlens.back()); }

  std::vector<int32_t> cu_seqlens = {0}, cu_rows = {0};
  std::vector<int64_t> row_positions, row_keys;  // row_keys: first token of the row's sequence
  AttentionShape shape;
};

struct Plain {
  std::vector<double> out, lse, dq, dk, dv;
};

Plain PlainAttention(const Batch& batch, const Operand& q, const Operand& k, const Operand& v,
                     const Operand& dout) {
  const AttentionShape& s = batch.shape;
  const auto heads = static_cast<size_t>(s.heads), kv_heads = static_cast<size_t>(s.kv_heads),
             dim = static_cast<size_t>(s.head_dim);
  Plain plain{std::vector<double>(q.size()), std::vector<double>(batch.rows() * heads),
              std::vector<double>(q.size()), std::vector<double>(k.size()), std::vector<double>(v.size())};
  for (size_t r = 0; r < batch.rows(); ++r) {
    for (size_t h = 0; h < heads; ++h) {
      const size_t query = (r * heads + h) * dim;
      const int64_t position = batch.row_positions[r];
      const int64_t first = s.window > 0 ? std::max<int64_t>(0, position - s.window + 1) : 0;
      const auto key_at = [&](int64_t p) {
        return (static_cast<size_t>(batch.row_keys[r] + p) * kv_heads + h / (heads / kv_heads)) * dim;
      };
      std::vector<double> p;
      double sum = 0;
      for (int64_t j = first; j <= position; ++j) {
        double score = 0;
        for (size_t i = 0; i < dim; ++i) score += q[query + i] * k[key_at(j) + i];
        p.push_back(std::exp(score * s.scale));
        sum += p.back();
      }
      plain.lse[r * heads + h] = std::log(sum);
      double delta = 0;
      std::vector<double> dp(p.size());
      for (size_t j = 0; j < p.size(); ++j) {
        p[j] /= sum;
        const size_t key = key_at(first + static_cast<int64_t>(j));
        for (size_t i = 0; i < dim; ++i) {
          plain.out[query + i] += p[j] * v[key + i];
          dp[j] += dout[query + i] * v[key + i];
          plain.dv[key + i] += p[j] * dout[query + i];
        }
        delta += p[j] * dp[j];
      }
      for (size_t j = 0; j < p.size(); ++j) {
        const double ds = p[j] * (dp[j] - delta) * s.scale;
        const size_t key = key_at(first + static_cast<int64_t>(j));
        for (size_t i = 0; i < dim; ++i) {
          plain.dq[query + i] += ds * k[key + i];
          plain.dk[key + i] += ds * q[query + i];
        }
      }
    }
  }
  return plain;
}

void Check(const Case& c, bool is_bf16, int engine) {
  Batch batch(c);
  batch.shape.bf16_engine = engine;
  std::mt19937 random(7);
  const auto query_size = static_cast<size_t>(c.heads * c.head_dim),
             key_size = static_cast<size_t>(c.kv_heads * c.head_dim);
  const Operand q = Operand::Random(is_bf16, batch.rows() * query_size, random);
  const Operand k = Operand::Random(is_bf16, batch.tokens() * key_size, random);
  const Operand v = Operand::Random(is_bf16, batch.tokens() * key_size, random);
  const Operand dout = Operand::Random(is_bf16, batch.rows() * query_size, random);
  const Plain plain = PlainAttention(batch, q, k, v, dout);
  const auto q_stride = static_cast<int64_t>(query_size), k_stride = static_cast<int64_t>(key_size);

  const double tolerance = is_bf16 ? 0.012 : 1e-5;
  Operand out(is_bf16, q.size()), dq(is_bf16, q.size()), dk(is_bf16, k.size()), dv(is_bf16, v.size());
  std::vector<float> lse(plain.lse.size());
  AttentionForward(batch.shape, {q.in(), q_stride}, {k.in(), k_stride}, {v.in(), k_stride},
                   {out.out(), q_stride}, lse.data());
  ExpectClose(out, plain.out, tolerance, "out");
  ExpectClose(lse, plain.lse, 1e-5, "lse");
  AttentionBackward(batch.shape, {q.in(), q_stride}, {k.in(), k_stride}, {v.in(), k_stride},
                    {out.in(), q_stride}, lse.data(), {dout.in(), q_stride}, {dq.out(), q_stride},
                    {dk.out(), k_stride}, {dv.out(), k_stride});
  ExpectClose(dq, plain.dq, tolerance, "dq");
  ExpectClose(dk, plain.dk, tolerance, "dk");
  ExpectClose(dv, plain.dv, tolerance, "dv");
}

// Lengths around the blocks' and steps' edges, windows shorter than, equal to and longer than a sequence.
const std::vector<Case> kCases = {
    {{1}, 1, 1, 8, 0},
    {{1, 2, 3, 31, 32, 33}, 4, 1, 16, 0},
    {{33, 5, 64, 65}, 4, 2, 24, 7},
    {{129, 31}, 2, 2, 32, 32},
    {{70, 300}, 4, 1, 40, 64},
    {{530, 40}, 4, 1, 32, 0},
    {{600}, 3, 1, 16, 512},
    {{530, 1, 70}, 4, 1, 32, 512, true},
    {{40, 64}, 8, 2, 16, 16, true},
};

void CheckAll(bool is_bf16, int engine) {
  for (size_t i = 0; i < kCases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    Check(kCases[i], is_bf16, engine);
  }
}

TEST(AttentionKernel, EqualsDoublePrecisionOnEveryInstructionSet) {
  OnEveryTarget([] {
    CheckAll(false, -1);
    CheckAll(true, -1);
  });
}

TEST(AttentionKernel, EqualsDoublePrecisionWithEveryBFloat16Engine) {
  for (size_t engine = 0; engine < BFloat16Gemms().size(); ++engine) {
    SCOPED_TRACE(BFloat16Gemms()[engine]->name);
    CheckAll(true, static_cast<int>(engine));
  }
}

// A batch whose scores no exp could hold: only the running maximum keeps it finite.
TEST(AttentionKernel, HugeScoresStayFinite) {
  Batch batch({{600}, 1, 1, 8, 0});
  std::vector<float> q(600 * 8, 30.0f), k(600 * 8), v(600 * 8, 1.0f), out(600 * 8), lse(600);
  for (size_t i = 0; i < k.size(); ++i) k[i] = static_cast<float>(i / 8 % 7) * 20;
  AttentionForward(batch.shape, {q.data(), 8}, {k.data(), 8}, {v.data(), 8}, {out.data(), 8}, lse.data());
  for (const float x : out) ASSERT_NEAR(x, 1.0f, 1e-5);
}

}  // namespace
}  // namespace gemtune::kernels
