#include "gemtune/model/embedding.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/tiny_gguf.h"

namespace gemtune::model {
namespace {

TEST(TokenEmbedding, RowsAreScaledByTheRootOfTheirWidth) {
  TokenEmbedding embedding(5, 16, at::kFloat);
  const at::NoGradGuard no_grad;
  embedding->weight.normal_();
  const at::Tensor ids = at::tensor({3, 0, 3}, at::kLong);
  EXPECT_TRUE(at::equal(embedding(ids), embedding->weight.index_select(0, ids) * 4));
}

TEST(TokenEmbedding, KeptBlocksGiveTheirNumbers) {
  const ops::BlockRows blocks = test::RandomBlockRows(ops::BlockType::kQ8_0, 5, 64, 1);
  const at::Tensor ids = at::tensor({4, 1}, at::kLong);
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    TokenEmbedding kept(5, 64, dtype), plain(5, 64, dtype);
    kept->KeepBlocks(blocks);
    const at::NoGradGuard no_grad;
    plain->weight.copy_(ops::Expand({blocks}, dtype));
    EXPECT_TRUE(at::equal(kept(ids), plain(ids)));
    EXPECT_EQ(kept->weight.scalar_type(), at::kByte);
    EXPECT_FALSE(kept->weight.requires_grad());
  }
}

}  // namespace
}  // namespace gemtune::model
