#include "gemtune/ops/block_rows.h"

#include "tests/ops/harness.h"
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

TEST(BlockRows, ACardExpandsThemToTheSameBits) {
  for (const kernels::BlockTypeInfo& info : kernels::BlockTypes()) {
    const BlockRows first = test::RandomBlockRows(info.type, 3, 512, 1),
                    second = test::RandomBlockRows(info.type, 2, 512, 2);
    const at::Tensor ids = at::tensor({2, 0, 2, 1}, at::kLong);
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor all = Expand({first, second}, type), some = ExpandRows(first, ids, type);
      const test::WithCudaOnHost cuda_on_host;
      EXPECT_TRUE(at::equal(Expand({first, second}, type), all)) << info.name;
      EXPECT_TRUE(at::equal(ExpandRows(first, ids, type), some)) << info.name;
    }
  }
}

TEST(BlockRows, RowsAreLookedUp) {
  const BlockRows table = test::RandomBlockRows(BlockType::kQ4_K, 200, 256, 1);
  const at::Tensor ids = at::arange(199, -1, -1, at::kLong);
  EXPECT_TRUE(at::equal(ExpandRows(table, ids, at::kFloat), ByKernel(table).index_select(0, ids)));
  EXPECT_EQ(ExpandRows(table, ids.narrow(0, 0, 0), at::kFloat).size(0), 0);
}

// Pieces of two types, one under the other.
std::vector<OpCase> BlockRowsOpCases() {
  std::vector<OpCase> cases;
  for (const kernels::BlockTypeInfo& info : kernels::BlockTypes()) {
    const std::vector<BlockRows> pieces = {test::RandomBlockRows(info.type, 40, 256, 1),
                                           test::RandomBlockRows(BlockType::kQ5_0, 3, 256, 2)};
    cases.push_back(
        {.name = std::string(info.name), .leaves = {}, .run = [pieces](const Inputs& in) {
           if (!in.is_reference()) return std::vector{Expand(pieces, in.dtype)};
           return std::vector{at::cat({ByKernel(pieces[0]), ByKernel(pieces[1])}).to(at::kDouble)};
         }});
  }
  return cases;
}

OP_ROW(Expand, .cases = BlockRowsOpCases, .tolerance = InEpsilons(1e-3, 0.5), .has_gradients = false);

}  // namespace
}  // namespace gemtune::ops
