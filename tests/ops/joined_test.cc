#include "gemtune/ops/joined.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace gemtune::ops {
namespace {

TEST(Joined, NeighboursAreAViewAndStrangersACopy) {
  const at::Tensor whole = at::randn({4, 9});
  const auto parts = SplitColumns(whole, {2, 3, 4});
  EXPECT_EQ(JoinColumns(parts).data_ptr(), whole.data_ptr());
  EXPECT_TRUE(JoinColumns(parts).equal(whole));
  const at::Tensor copy = JoinColumns({parts[0], parts[1].clone(), parts[2]});
  EXPECT_NE(copy.data_ptr(), whole.data_ptr());
  EXPECT_TRUE(copy.equal(whole));
  EXPECT_TRUE(JoinColumns({parts[1], parts[0]}).equal(at::cat({parts[1], parts[0]}, 1)));
}

TEST(Joined, RowsToo) {
  const at::Tensor whole = at::randn({6, 3});
  const std::vector<at::Tensor> parts = {whole.narrow(0, 0, 1), whole.narrow(0, 1, 2), whole.narrow(0, 3, 3)};
  EXPECT_EQ(JoinRows(parts).data_ptr(), whole.data_ptr());
  EXPECT_TRUE(JoinRows(parts).equal(whole));
  EXPECT_TRUE(JoinRows({parts[2], parts[0]}).equal(at::cat({parts[2], parts[0]}, 0)));
  EXPECT_TRUE(JoinRows({parts[0].clone(), parts[1].clone()}).equal(whole.narrow(0, 0, 3)));
}

}  // namespace
}  // namespace gemtune::ops
