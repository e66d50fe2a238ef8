#include "gemtune/ops/qkv_attention.h"

#include "tests/support/against_double.h"

namespace gemtune::ops {
namespace {

// 4 query heads of 8 on 2 key heads, a window of 3, sequences of 1, 7 and 40 tokens.
void Check(at::ScalarType dtype, const PackedLayout& layout) {
  at::manual_seed(0);
  const at::Tensor q = at::randn({layout.num_rows(), 32}).to(dtype),
                   kv = at::randn({layout.num_tokens(), 32}).to(dtype);
  const at::Tensor q_norm = (at::randn({8}) * 0.3).to(dtype), k_norm = (at::randn({8}) * 0.3).to(dtype);
  const RopeTable rope = MakeRopeTable(40, 8, 100.0, 1.0);
  test::ExpectEqualsDouble(
      {q, kv, q_norm, k_norm}, dtype == at::kFloat ? 2e-5 : 0.02, [&](const std::vector<at::Tensor>& in) {
        return std::vector<at::Tensor>{QkvAttention(in[0], in[1].narrow(1, 0, 16), in[1].narrow(1, 16, 16),
                                                    {.q_weight = in[2], .k_weight = in[3]}, rope, layout,
                                                    {.scale = 0.4, .window = 3})};
      });
}

TEST(QkvAttention, EqualsTheCompositionInDouble) {
  const auto layout = PackedLayout::Full({0, 1, 8, 48});
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    Check(dtype, layout);
    Check(dtype, layout.WithRows({0, 7, 30, 47}));
  }
}

}  // namespace
}  // namespace gemtune::ops
