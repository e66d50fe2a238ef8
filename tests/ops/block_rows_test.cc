#include "gemtune/ops/block_rows.h"

#include <gtest/gtest.h>

#include "tests/support/tiny_gguf.h"

namespace gemtune::ops {
namespace {

using kernels::BlockType;

at::Tensor ByKernel(const BlockRows& rows) {
  at::Tensor out = at::empty({rows.rows(), rows.columns()});
  kernels::Dequantize(rows.type, static_cast<const std::byte*>(rows.bytes.const_data_ptr()), out.numel(),
                      out.data_ptr<float>());
  return out;
}

TEST(BlockRows, KnowItsShape) {
  const BlockRows rows = test::RandomBlockRows(BlockType::kQ6_K, 3, 512, 1);
  EXPECT_EQ(rows.rows(), 3);
  EXPECT_EQ(rows.columns(), 512);
  EXPECT_EQ(rows.bytes.size(1), 2 * 210);
}

TEST(BlockRows, ExpandToTheKernelsNumbers) {
  for (const kernels::BlockTypeInfo& info : kernels::BlockTypes()) {
    const BlockRows first = test::RandomBlockRows(info.type, 40, 256, 1),
                    second = test::RandomBlockRows(BlockType::kQ5_0, 3, 256, 2);
    const at::Tensor expected = at::cat({ByKernel(first), ByKernel(second)});
    for (const auto dtype : {at::kFloat, at::kBFloat16, at::kDouble})
      EXPECT_TRUE(at::equal(Expand({first, second}, dtype), expected.to(dtype))) << info.name << dtype;
  }
}

TEST(BlockRows, RowsAreLookedUp) {
  const BlockRows table = test::RandomBlockRows(BlockType::kQ4_K, 200, 256, 1);
  const at::Tensor ids = at::arange(199, -1, -1, at::kLong);
  EXPECT_TRUE(at::equal(ExpandRows(table, ids, at::kFloat), ByKernel(table).index_select(0, ids)));
  EXPECT_EQ(ExpandRows(table, ids.narrow(0, 0, 0), at::kFloat).size(0), 0);
}

}  // namespace
}  // namespace gemtune::ops
