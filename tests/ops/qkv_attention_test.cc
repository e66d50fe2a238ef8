#include "gemtune/ops/qkv_attention.h"

#include "tests/ops/attention_cases.h"

namespace gemtune::ops {
namespace {

// q, k and v side by side, as a joined projection leaves them, as far as they have the same rows; or apart.
std::vector<at::Tensor> SideBySide(const AttentionCase& c, const Inputs& in) {
  const int64_t q_width = c.heads * c.head_dim, width = c.kv_heads * c.head_dim;
  if (c.rows.empty()) {
    return {in[2].narrow(1, 0, q_width), in[2].narrow(1, q_width, width),
            in[2].narrow(1, q_width + width, width)};
  }
  return {in[3], in[2].narrow(1, 0, width), in[2].narrow(1, width, width)};
}

std::vector<OpCase> QkvAttentionOpCases() {
  std::vector<OpCase> cases;
  for (const AttentionCase& c : AttentionCases()) {
    for (const bool is_apart : {false, true}) {
      const int64_t q_width = c.heads * c.head_dim, width = c.kv_heads * c.head_dim;
      std::vector<Leaf> leaves = {Normal({c.head_dim}, 0.3), Normal({c.head_dim}, 0.3)};
      if (is_apart) {
        leaves.insert(leaves.end(), {Normal({c.num_rows(), q_width}), Normal({c.num_tokens(), width}),
                                     Normal({c.num_tokens(), width})});
      } else {
        leaves.push_back(Normal({c.num_tokens(), 2 * width + (c.rows.empty() ? q_width : 0)}));
        if (!c.rows.empty()) leaves.push_back(Normal({c.num_rows(), q_width}));
      }
      cases.push_back(
          {.name = c.Name() + (is_apart ? ", apart" : ", side by side"),
           .leaves = leaves,
           .run =
               [c, is_apart, rope = MakeRopeTable(600, c.head_dim, 100.0, 1.0)](const Inputs& in) {
                 const auto qkv = is_apart ? std::vector{in[2], in[3], in[4]} : SideBySide(c, in);
                 return std::vector{
                     QkvAttention(qkv[0], qkv[1], qkv[2], {.q_weight = in[0], .k_weight = in[1], .eps = 0.1},
                                  {.cos = rope.cos.to(in.device), .sin = rope.sin.to(in.device)},
                                  c.Layout(in.device), {.scale = c.scale(), .window = c.window})};
               },
           .terms = c.terms});
    }
  }
  return cases;
}

OP_ROW(QkvAttention, .cases = QkvAttentionOpCases, .tolerance = InEpsilons(40, 4));

// As in a pass of a language model without a target.
TEST(QkvAttention, OfNoQueriesIsNothing) {
  const AttentionCase c{.cu_seqlens = {0, 5, 9}, .heads = 2, .kv_heads = 1, .head_dim = 8, .window = 0};
  const PackedLayout layout = c.Layout(at::kCPU).WithRows({});
  const RopeTable rope = MakeRopeTable(9, 8, 10'000, 1);
  const auto run = [&](at::ScalarType type) {
    const at::Tensor q = at::randn({0, 16}).to(type).requires_grad_(),
                     k = at::randn({9, 8}).to(type).requires_grad_(), v = at::randn({9, 8}).to(type);
    const QkNorm norm{.q_weight = at::zeros({8}, type), .k_weight = at::zeros({8}, type)};
    const at::Tensor out = QkvAttention(q, k, v, norm, rope, layout, {});
    EXPECT_EQ(out.sizes(), at::IntArrayRef({0, 16}));
    out.sum().backward();
    EXPECT_EQ(q.grad().sizes(), q.sizes());
  };
  const test::WithCudaOnHost cuda_on_host;
  run(at::kFloat);
  run(at::kBFloat16);
}

}  // namespace
}  // namespace gemtune::ops
