#include "gemtune/ops/embedding.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"
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

TEST(ScaledEmbedding, GradientsAddUpWhereATokenRepeats) {
  at::manual_seed(0);
  const at::Tensor ids = at::tensor({2, 0, 2}, at::kLong);
  test::ExpectGradients([&](const auto& in) { return ScaledEmbedding(in[0], ids, 3.0); },
                        {test::RandomDouble({4, 3})});
}

TEST(ScaledEmbedding, RowsInBlocksGiveWhatTheirNumbersGive) {
  const BlockRows table = test::RandomBlockRows(kernels::BlockType::kQ8_0, 9, 64, 1);
  const at::Tensor ids = at::tensor({8, 0, 3, 8}, at::kLong);
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor expected = ScaledEmbedding(Expand({table}, dtype), ids, std::sqrt(640.0));
    EXPECT_TRUE(at::equal(ScaledEmbedding(table, ids, std::sqrt(640.0), dtype), expected)) << dtype;
  }
}

}  // namespace
}  // namespace gemtune::ops
