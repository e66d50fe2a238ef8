#include "gemtune/data/table.h"

#include <gmock/gmock.h>

#include <numeric>

#include "gemtune/base/file.h"
#include "tests/data/read_rows.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::data {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Made by golden/generate_tables.py.
DataFile GoldenTable(const std::string& name) {
  return FileOfPath(GEMTUNE_SOURCE_DIR "/tests/data/golden/" + name);
}

TEST(TextColumn, GivesBackWhatWasAppended) {
  TextColumn column;
  EXPECT_THAT(column.Views(), IsEmpty());
  for (const char* text : {"", "ab", "", "c"}) column.Append(text);
  EXPECT_THAT(column.Views(), ElementsAre("", "ab", "", "c"));
  EXPECT_EQ(column.size(), 4);
  EXPECT_EQ(column.bytes(), 3);
}

TEST(ReadTable, ReadsEveryCompression) {
  for (const char* name : {"rows.csv.gz", "rows.tsv.zst"}) {
    EXPECT_THAT(
        ReadRows({GoldenTable(name)}, kTextAndLabel),
        ElementsAre(Row{0, 1, "first", "", CsvField{"a"}}, Row{0, 2, "zweite, \xc3\xbc", "", CsvField{"b"}}))
        << name;
  }
  for (const char* name : {"rows.jsonl.bz2", "rows.json.lz4"}) {
    EXPECT_THAT(ReadRows({GoldenTable(name)}, kTextAndLabel),
                ElementsAre(Row{0, 1, "first", "", "a"}, Row{0, 2, "zweite, \xc3\xbc", "", "b"}))
        << name;
  }
}

TEST(ReadTable, TheLimitIsOverAllFilesAndFurtherOnesStayClosed) {
  const std::vector<DataFile> files = {GoldenTable("rows.csv.gz"), GoldenTable("rows.tsv.zst"),
                                       FileOfPath("missing.csv")};
  const std::vector<Row> rows = ReadRows(files, kTextAndLabel, 3);
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[2], (Row{1, 1, "first", "", CsvField{"a"}}));
  EXPECT_EQ(ReadRows(files, kTextAndLabel, 4).size(), 4);
  EXPECT_THAT(MessageOf([&] { ReadRows(files, kTextAndLabel, 5); }), HasSubstr("missing.csv: "));
  EXPECT_EQ(ReadTable(files, kTextAndLabel, 4, [](RowBatch&) {}).size(), 2);
}

using ReadTableTest = test::TempDir;

TEST_F(ReadTableTest, BatchesAreBounded) {
  const std::string long_text = std::string(size_t{4} << 20, 'y');
  std::string contents = "text\n";
  for (int i = 0; i < 20'000; ++i) contents += "x\n";
  for (int i = 0; i < 20; ++i) contents += long_text + "\n";
  WriteFileAtomically(dir_ / "a.csv", contents);
  std::vector<int64_t> sizes;
  int64_t largest_bytes = 0;
  ReadTable({FileOfPath(dir_ / "a.csv")}, Named("text"), 0, [&](RowBatch& batch) {
    EXPECT_EQ(batch.text.size(), std::ssize(batch.rows));
    EXPECT_THAT(batch.labels, IsEmpty());
    sizes.push_back(batch.text.size());
    largest_bytes = std::max(largest_bytes, batch.text.bytes());
  });
  EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), int64_t{0}), 20'020);
  EXPECT_LE(*std::max_element(sizes.begin(), sizes.end()), 8192);
  EXPECT_LE(largest_bytes, 40'000'000);
}

TEST_F(ReadTableTest, NamesAFileThatCannotBeOpened) {
  for (const char* name : {"a.csv", "a.jsonl", "a.parquet", "a.csv.gz"}) {
    EXPECT_THAT(MessageOf([&] { ReadRows({FileOfPath(dir_ / name)}, kTextAndLabel); }), HasSubstr(name));
    std::filesystem::create_directories(dir_ / name);
    EXPECT_THAT(MessageOf([&] { ReadRows({FileOfPath(dir_ / name)}, kTextAndLabel); }), HasSubstr(name));
  }
}

}  // namespace
}  // namespace gemtune::data
