#include "gemtune/data/bad_row.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"

namespace gemtune::data {
namespace {

TEST(RowError, NamesFileAndRow) {
  EXPECT_EQ(test::MessageOf([] { FailRow("a.csv", 7, RowFault::kNull, "'{}' is null", "text"); }),
            "a.csv: row 7: 'text' is null");
  const RowError error("a.csv", 7, RowFault::kTooLong, "x");
  EXPECT_EQ(error.fault(), RowFault::kTooLong);
}

TEST(Guard, KeepsTheFirstFaultOfARowAndPassesItOverThen) {
  const auto fail = [] { FailRow("a.csv", 7, RowFault::kNull, "x"); };
  EXPECT_THROW(Guard(0, nullptr, fail), RowError);
  BadRows bad;
  Guard(3, &bad, fail);
  Guard(3, &bad, [] { FAIL() << "visited again"; });
  bool visited = false;
  Guard(4, &bad, [&] { visited = true; });
  EXPECT_TRUE(visited);
  EXPECT_EQ(bad.size(), 1u);
  EXPECT_THROW(Guard(5, &bad, [] { Fail("the file"); }), Error);  // not of one row
}

TEST(SkippedSummary, CountsByReasonAndShowsTheFirst) {
  const std::vector<SkippedRow> skipped = {
      {0, RowFault::kNotUtf8, "a.csv: row 1: x"}, {5, RowFault::kNull, "b"}, {5, RowFault::kNotUtf8, "c"}};
  EXPECT_THAT(SkippedSummary("a.csv", 0, skipped), testing::HasSubstr("a.csv: skipped 3 rows ("));
  EXPECT_EQ(SkippedSummary("a.csv", 10, skipped),
            "a.csv: skipped 3 of 10 rows (1 null, 2 not UTF-8); the first: a.csv: row 1: x");
}

}  // namespace
}  // namespace gemtune::data
