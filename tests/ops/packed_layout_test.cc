#include "gemtune/ops/packed_layout.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"

namespace gemtune::ops {
namespace {

std::vector<int64_t> Values(const at::Tensor& t) {
  return {t.data_ptr<int64_t>(), t.data_ptr<int64_t>() + t.numel()};
}

TEST(PackedLayout, PositionsRestartInEverySequence) {
  const PackedLayout layout = PackedLayout::Full({0, 3, 4, 6});
  EXPECT_EQ(Values(layout.positions), (std::vector<int64_t>{0, 1, 2, 0, 0, 1}));
  EXPECT_EQ(layout.num_sequences(), 3);
  EXPECT_EQ(layout.num_tokens(), 6);
  EXPECT_EQ(layout.num_rows(), 6);
  EXPECT_EQ(layout.num_positions(), 3);
  EXPECT_FALSE(layout.rows.defined());
}

TEST(PackedLayout, PositionsGoOnWhereASequenceIsContinued) {
  const PackedLayout layout = PackedLayout::Continued({0, 3, 4}, {7, 100}).WithRows({1, 3});
  EXPECT_EQ(Values(layout.positions), (std::vector<int64_t>{7, 8, 9, 100}));
  EXPECT_EQ(Values(layout.row_positions), (std::vector<int64_t>{8, 100}));
  EXPECT_EQ(layout.num_positions(), 101);
  EXPECT_EQ(layout.begin(1), 100);
  EXPECT_EQ(layout.WithAllRows().begin(0), 7);
  EXPECT_EQ(PackedLayout::Full({0, 2}).begin(0), 0);
}

TEST(PackedLayout, RowsAreCountedPerSequence) {
  const PackedLayout layout = PackedLayout::Full({0, 3, 4, 6}).WithRows({0, 2, 5});
  EXPECT_EQ(layout.cu_rows, (std::vector<int32_t>{0, 2, 2, 3}));
  EXPECT_EQ(Values(layout.row_positions), (std::vector<int64_t>{0, 2, 1}));
  EXPECT_EQ(layout.num_rows(), 3);
}

TEST(PackedLayout, KnowsWhetherQueriesAreTheLastTokens) {
  const PackedLayout layout = PackedLayout::Full({0, 3, 4, 6});
  EXPECT_TRUE(layout.queries_are_last);
  EXPECT_TRUE(layout.WithRows({2, 3, 4, 5}).queries_are_last);
  EXPECT_TRUE(layout.WithRows({3}).queries_are_last);
  EXPECT_FALSE(layout.WithRows({0, 3}).queries_are_last);
  EXPECT_FALSE(layout.WithRows({0, 2}).queries_are_last);
  EXPECT_TRUE(layout.WithRows({0, 2}).WithAllRows().queries_are_last);
}

TEST(PackedLayout, SaysWhereSequencesBeginToTheDevice) {
  const PackedLayout layout = PackedLayout::Full({0, 3, 4}).WithRows({1, 2});
  EXPECT_TRUE(at::equal(layout.cu_tokens_there, at::tensor({0, 3, 4}, at::kInt)));
  EXPECT_TRUE(at::equal(layout.cu_rows_there, at::tensor({0, 2, 2}, at::kInt)));
  EXPECT_TRUE(at::equal(layout.WithAllRows().cu_rows_there, layout.cu_tokens_there));
  EXPECT_EQ(layout.most_tokens(), 3);
  EXPECT_EQ(layout.most_rows(), 2);
}

TEST(PackedLayout, RefusesWhatIsNoLayout) {
  EXPECT_THROW(PackedLayout::Full({0}), std::logic_error);
  EXPECT_THROW(PackedLayout::Full({1, 2}), std::logic_error);
  EXPECT_THROW(PackedLayout::Full({0, 2, 2}), std::logic_error);
  EXPECT_THROW(PackedLayout::Full({0, 3}).WithRows({1, 1}), std::logic_error);
  EXPECT_THROW(PackedLayout::Full({0, 3}).WithRows({3}), std::logic_error);
  EXPECT_THROW(PackedLayout::Continued({0, 3}, {1, 2}), std::logic_error);
}

}  // namespace
}  // namespace gemtune::ops
