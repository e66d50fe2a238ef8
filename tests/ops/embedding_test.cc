#include "gemtune/ops/embedding.h"

#include "tests/ops/harness.h"
#include "tests/support/tiny_gguf.h"

namespace gemtune::ops {
namespace {

TEST(ScaledEmbedding, TakesRowsAndScalesThem) {
  const at::Tensor weight = at::arange(6, at::kFloat).view({3, 2});
  const at::Tensor y = ScaledEmbedding(weight, at::tensor({2, 0, 2}, at::kLong), 3.0);
  EXPECT_EQ(test::MaxDifference(y, at::tensor({12, 15, 0, 3, 12, 15}, at::kFloat).view({3, 2})), 0.0);
}

TEST(ScaledEmbedding, TheScaleIsANumberOfTheWeightsType) {
  const double scale = std::sqrt(640.0);  // 25.298…, in bf16 25.25
  const at::Tensor y = ScaledEmbedding(at::ones({1, 1}, at::kBFloat16), at::tensor({0}, at::kLong), scale);
  EXPECT_EQ(y.item<double>(), 25.25);
  EXPECT_EQ(y.scalar_type(), at::kFloat);
}

TEST(ScaledEmbedding, RowsInBlocksGiveWhatTheirNumbersGive) {
  const BlockRows table = test::RandomBlockRows(kernels::BlockType::kQ8_0, 9, 64, 1);
  const at::Tensor ids = at::tensor({8, 0, 3, 8}, at::kLong);
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor expected = ScaledEmbedding(Expand({table}, dtype), ids, std::sqrt(640.0));
    EXPECT_TRUE(at::equal(ScaledEmbedding(table, ids, std::sqrt(640.0), dtype), expected)) << dtype;
  }
}

// The first id comes three times. The scale is a number of any dtype.
std::vector<OpCase> EmbeddingOpCases() {
  std::vector<OpCase> cases;
  for (const int64_t width : VectorTails()) {
    cases.push_back({.name = fmt::format("rows of {}", width),
                     .leaves = {Normal({9, width})},
                     .run = [](const Inputs& in) {
                       const at::Tensor ids = at::tensor({8, 0, 8, 3, 8}, at::kLong).to(in.device);
                       return std::vector{ScaledEmbedding(in[0], ids, 25.25)};
                     }});
  }
  return cases;
}

std::vector<OpCase> BlockCases() {
  std::vector<OpCase> cases;
  for (const kernels::BlockTypeInfo& info : kernels::BlockTypes()) {
    const BlockRows table = test::RandomBlockRows(info.type, 9, 256, 1);
    cases.push_back({.name = std::string(info.name), .leaves = {}, .run = [table](const Inputs& in) {
                       const at::Tensor ids = at::tensor({8, 0, 8, 3}, at::kLong).to(in.device);
                       if (in.is_reference())
                         return std::vector{Expand({table}, at::kDouble).index_select(0, ids) * 25.25};
                       const BlockRows there{.bytes = table.bytes.to(in.device), .type = table.type};
                       return std::vector{ScaledEmbedding(there, ids, 25.25, in.dtype)};
                     }});
  }
  return cases;
}

OP_ROW(ScaledEmbedding, .cases = EmbeddingOpCases, .tolerance = InEpsilons(4, 1.5), .results = Held::kWide);
OP_ROW(ScaledEmbeddingInBlocks, .cases = BlockCases, .tolerance = InEpsilons(1, 1), .results = Held::kWide,
       .has_gradients = false);

}  // namespace
}  // namespace gemtune::ops
