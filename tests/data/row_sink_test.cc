#include "gemtune/data/row_sink.h"

#include <gmock/gmock.h>

#include "tests/data/read_rows.h"
#include "tests/support/message_of.h"

namespace gemtune::data {
namespace {

using test::MessageOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// Batches as they are handed out: their rows' numbers.
struct HandedOut {
  std::vector<std::vector<int64_t>> rows;
  std::vector<size_t> files;

  RowSink Sink(const Columns& columns, int64_t max_rows = 0) {
    return {columns, max_rows, [this](RowBatch& batch) {
              rows.push_back(batch.rows);
              files.push_back(batch.file);
            }};
  }
};

TEST(RowSink, HandsOutOnFlushAndSaysWhichFile) {
  HandedOut batches;
  RowSink sink = batches.Sink(Named("text"));
  sink.StartFile(3, {.path = "a.csv"});
  sink.Add(1, "x", "", {});
  sink.Add(2, "y", "", {});
  sink.Flush();
  sink.Flush();  // nothing left: no empty batch
  EXPECT_THAT(batches.rows, ElementsAre(ElementsAre(1, 2)));
  EXPECT_THAT(batches.files, ElementsAre(3));
}

TEST(RowSink, KeepsBatchesSmall) {
  HandedOut batches;
  RowSink sink = batches.Sink(Named("text"));
  sink.StartFile(0, {.path = "a.csv"});
  for (int64_t row = 1; row <= 20'000; ++row) sink.Add(row, "x", "", {});
  sink.Flush();
  EXPECT_EQ(batches.rows.size(), 3u);  // of at most 8,192 rows
  HandedOut large;
  RowSink other = large.Sink(Named("text"));
  other.StartFile(0, {.path = "a.csv"});
  const std::string text(4 << 20, 'x');
  for (int64_t row = 1; row <= 9; ++row) other.Add(row, text, "", {});
  other.Flush();
  EXPECT_THAT(large.rows, ElementsAre(SizeIs(8), ElementsAre(9)));  // of about 32 MB
}

TEST(RowSink, ARowThatIsRefusedLeavesNothingBehind) {
  HandedOut batches;
  RowSink sink = batches.Sink(Named("text", "label", "pair"));
  sink.StartFile(0, {.path = "a.csv"});
  EXPECT_THAT(MessageOf([&] { sink.Add(1, "x", "\xff", int64_t{0}); }),
              HasSubstr("a.csv: row 1: 'pair' is not valid"));
  EXPECT_THAT(MessageOf([&] { sink.Add(2, "x", "y", "\xff"); }),
              HasSubstr("a.csv: row 2: 'label' is not valid"));
  sink.Add(3, "x", "y", int64_t{0});
  sink.Flush();
  EXPECT_THAT(batches.rows, ElementsAre(ElementsAre(3)));
}

TEST(RowSink, SkipsToWhoeverTakesBadRowsAndElseThrows) {
  HandedOut batches;
  RowSink strict = batches.Sink(Named("text"));
  strict.StartFile(0, {.path = "a.csv"});
  EXPECT_THAT(MessageOf([&] { strict.Guard([&] { strict.Add(1, "\xff", "", {}); }); }),
              HasSubstr("a.csv: row 1: "));
  std::vector<std::pair<RowFault, int64_t>> bad;
  RowSink sink(
      Named("text"), 3, [](RowBatch&) {},
      [&](const RowError& error, int64_t before) { bad.emplace_back(error.fault(), before); });
  sink.StartFile(0, {.path = "a.csv"});
  sink.Guard([&] { sink.Add(1, "x", "", {}); });
  sink.Guard([&] { sink.Add(2, "\xff", "", {}); });
  sink.Guard([&] { sink.Add(3, std::string(kMaxTextBytes + 1, 'x'), "", {}); });
  EXPECT_THAT(bad, ElementsAre(std::pair(RowFault::kNotUtf8, 1), std::pair(RowFault::kTooLong, 1)));
  EXPECT_EQ(sink.room(), 0);
}

TEST(RowSink, CountsTheRoomThatIsLeft) {
  HandedOut batches;
  RowSink sink = batches.Sink(Named("text"), 2);
  sink.StartFile(0, {.path = "a.csv"});
  EXPECT_EQ(sink.room(), 2);
  sink.Add(1, "x", "", {});
  EXPECT_EQ(sink.room(), 1);
}

TEST(RowSink, RefusesWhatIsNotUtf8) {
  HandedOut batches;
  RowSink sink = batches.Sink(Named("text", "label", "pair"));
  sink.StartFile(0, {.path = "a.csv"});
  EXPECT_EQ(MessageOf([&] { sink.Add(7, "\xff", "", int64_t{1}); }),
            "a.csv: row 7: 'text' is not valid UTF-8; convert the file to UTF-8");
  EXPECT_THAT(MessageOf([&] { sink.Add(8, "x", "\xc3", int64_t{1}); }), testing::HasSubstr("row 8: 'pair'"));
  EXPECT_THAT(MessageOf([&] { sink.Add(9, "x", "y", std::string("\xed\xa0\x80")); }),
              testing::HasSubstr("row 9: 'label'"));
}

TEST(FindColumn, NamesTheColumnsThereAre) {
  EXPECT_EQ(FindColumn("a.csv", {"label", "text"}, "text"), 1u);
  EXPECT_THAT(MessageOf([] {
                FindColumn("a.csv", {"label", "txt"}, "text");
              }),
              testing::AllOf(testing::HasSubstr("a.csv: has no column 'text' (did you mean 'txt'?)"),
                             testing::HasSubstr("label")));
  EXPECT_THAT(MessageOf([] {
                FindColumn("a.csv", {"text", "text"}, "text");
              }),
              testing::HasSubstr("more than one column 'text'"));
}

}  // namespace
}  // namespace gemtune::data
