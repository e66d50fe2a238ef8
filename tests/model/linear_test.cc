#include "gemtune/model/linear.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"
#include "tests/support/tiny_gguf.h"

namespace gemtune::model {
namespace {

TEST(Linear, MultipliesWithTheTransposedWeight) {
  const at::NoGradGuard no_grad;
  Linear linear(2, 3, at::TensorOptions().dtype(at::kDouble));
  EXPECT_EQ(linear->weight.sizes(), (std::vector<int64_t>{3, 2}));
  linear->weight.copy_(at::arange(6, at::kDouble).view({3, 2}));
  const at::Tensor y = linear(at::tensor({1.0, 10.0}).view({1, 2}));
  EXPECT_EQ(test::MaxDifference(y, at::tensor({10.0, 32.0, 54.0}).view({1, 3})), 0.0);
  EXPECT_EQ(linear->named_parameters().keys(), (std::vector<std::string>{"weight"}));
}

TEST(Linear, KeptBlocksGiveWhatTheirNumbersGive) {
  const ops::BlockRows blocks = test::RandomBlockRows(kernels::BlockType::kQ8_0, 7, 64, 1);
  Linear kept(64, 7, at::TensorOptions()), dense(ops::Expand({blocks}, at::kFloat));
  kept->KeepBlocks(blocks);
  EXPECT_FALSE(kept->weight.requires_grad());
  EXPECT_TRUE(at::equal(kept->named_parameters()["weight"], blocks.bytes));
  EXPECT_EQ(kept->matmul_weight().rows(), 7);
  EXPECT_EQ(kept->matmul_weight().columns(), 64);
  for (const int64_t rows : {3, 100}) {
    const at::Tensor x = at::randn({rows, 64});
    EXPECT_TRUE(at::equal(kept(x), dense(x)));
  }
}

}  // namespace
}  // namespace gemtune::model
