#include "gemtune/data/csv.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/data/text_stream.h"
#include "tests/data/read_rows.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::data {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CsvTest : public test::TempDir {
 protected:
  std::vector<Row> Read(std::string_view contents, const Columns& columns = kTextAndLabel,
                        int64_t max_rows = 0, const char* name = "a.csv",
                        std::vector<std::string>* bad = nullptr) {
    WriteFileAtomically(dir_ / name, contents);
    return ReadRows({FileOfPath(dir_ / name)}, columns, max_rows, bad);
  }
  std::string Message(std::string_view contents) {
    return MessageOf([&] { Read(contents); });
  }
  std::vector<std::string> Texts(std::string_view contents) {
    std::vector<std::string> texts;
    for (const Row& row : Read(contents)) texts.push_back(row.text);
    return texts;
  }
};

Row Of(int64_t row, const std::string& text, const std::string& label) {
  return {0, row, text, "", CsvField{label}};
}

TEST_F(CsvTest, ReadsTheWantedColumnsWhereverTheyStand) {
  EXPECT_THAT(Read("id,label,x,text\n7,a,0,one\n8,b,0,two\n"),
              ElementsAre(Of(1, "one", "a"), Of(2, "two", "b")));
  const Columns pair = Named("q", "", "p");
  EXPECT_THAT(Read("p,q\nx,y\n", pair), ElementsAre(Row{0, 1, "y", "x", RawLabel()}));
  EXPECT_THAT(Read("text\nx\ny", Named("text")),
              ElementsAre(Row{0, 1, "x", "", RawLabel()}, Row{0, 2, "y", "", RawLabel()}));
  EXPECT_THAT(Read("label\ttext\na,b\t\"x\ty\"\n", kTextAndLabel, 0, "a.tsv"),
              ElementsAre(Of(1, "x\ty", "a,b")));
}

TEST_F(CsvTest, QuotesAsRfc4180) {
  EXPECT_THAT(Read("\"text\",\"label\"\r\n"
                   "\"a, b\",0\r\n"
                   "\"say \"\"hi\"\"\",1\r\n"
                   "\"two\nlines\r\nthree\",\"\"\r\n"
                   "no \"quotes\" here,\"2\"\r\n"),
              ElementsAre(Of(1, "a, b", "0"), Of(2, "say \"hi\"", "1"), Of(3, "two\nlines\r\nthree", ""),
                          Of(4, "no \"quotes\" here", "2")));
}

TEST_F(CsvTest, TextStaysTheTextThatItIs) {
  EXPECT_THAT(
      Texts("text,label\n007,0\n1e5,0\nNA,0\nnull,0\nNaN,0\ntrue,0\n2020-01-01,0\n,0\n\"\",0\n -1 ,0\n"),
      ElementsAre("007", "1e5", "NA", "null", "NaN", "true", "2020-01-01", "", "", " -1 "));
}

TEST_F(CsvTest, TakesAnyLineEndAByteOrderMarkAndNoLastLineEnd) {
  const auto expected = ElementsAre(Of(1, "x", "0"), Of(2, "y", "1"));
  EXPECT_THAT(Read("text,label\nx,0\ny,1"), expected);
  EXPECT_THAT(Read("text,label\r\nx,0\r\ny,1\r\n"), expected);
  EXPECT_THAT(Read("text,label\rx,0\ry,1\r"), expected);
  EXPECT_THAT(Read("text,label\rx,0\ry,1"), expected);
  EXPECT_THAT(Read("\xef\xbb\xbf"
                   "text,label\nx,0\ny,1\n"),
              expected);
  EXPECT_THAT(Read("\n\ntext,label\n\nx,0\n\n\ny,1\n\n\n"), expected);
}

TEST_F(CsvTest, AHeaderAloneHasNoRows) {
  EXPECT_THAT(Read("text,label\n"), IsEmpty());
  EXPECT_THAT(Read("text,label"), IsEmpty());
  EXPECT_THAT(Read("text,label\n\n\n"), IsEmpty());
}

TEST_F(CsvTest, StopsAtTheLimit) {
  // What follows would be an error.
  EXPECT_THAT(Read("text,label\nx,0\ny,1\nz\n", kTextAndLabel, 2),
              ElementsAre(Of(1, "x", "0"), Of(2, "y", "1")));
}

TEST_F(CsvTest, RowsMayBeLongerThanABlockAndSpanBlocks) {
  const std::string megabytes(size_t{3} << 20, 'x');
  const std::string with_line_ends = std::string(1 << 19, '\n') + megabytes;
  std::string contents = "text,label\n";
  for (int i = 0; i < 3; ++i) contents += "\"" + with_line_ends + "\",0\nshort,1\n";
  const std::vector<Row> rows = Read(contents);
  ASSERT_EQ(rows.size(), 6);
  for (size_t i = 0; i < 6; i += 2) {
    EXPECT_TRUE(rows[i].text == with_line_ends);
    EXPECT_EQ(rows[i + 1], Of(static_cast<int64_t>(i) + 2, "short", "1"));
  }
}

TEST_F(CsvTest, SkipsBadRowsAndKeepsTheNumbersOfTheOthers) {
  const std::string contents = "text,label\na,0\nb\nc,1\n\xff,1\nd,1,2\n,\ne,2\n";
  std::vector<std::string> bad;
  EXPECT_THAT(Read(contents, kTextAndLabel, 0, "a.csv", &bad),
              ElementsAre(Of(1, "a", "0"), Of(3, "c", "1"), Of(6, "", ""), Of(7, "e", "2")));
  EXPECT_THAT(bad, ElementsAre(HasSubstr("a.csv: row 2: 1 fields, but the header has 2"),
                               HasSubstr("a.csv: row 4: 'text' is not valid UTF-8"),
                               HasSubstr("a.csv: row 5: 3 fields, but the header has 2")));
  bad.clear();
  EXPECT_THAT(Read(contents, kTextAndLabel, 4, "a.csv", &bad), ElementsAre(Of(1, "a", "0"), Of(3, "c", "1")));
  EXPECT_EQ(bad.size(), 2);  // rows 2 and 4: the first four rows are four, bad ones included
  EXPECT_THAT(MessageOf([&] { Read("text,label\n\"x,0\n", kTextAndLabel, 0, "a.csv", &bad); }),
              HasSubstr("the file ends in a quoted field"));
}

TEST_F(CsvTest, SkipsBadRowsAcrossBlocks) {
  std::string contents = "text,label\n";
  constexpr int kRows = 250'000;
  for (int i = 1; i <= kRows; ++i)
    contents += i % 7 == 0 ? fmt::format("{}\n", i) : fmt::format("{0},{0}\n", i);
  std::vector<std::string> bad;
  const std::vector<Row> rows = Read(contents, kTextAndLabel, 0, "a.csv", &bad);
  ASSERT_EQ(bad.size(), kRows / 7);
  for (const Row& row : rows) ASSERT_EQ(row.text, std::to_string(row.row));
}

TEST_F(CsvTest, RefusesAHeaderOfTooManyColumns) {
  EXPECT_THAT(Message(std::string(100'000, ',') + "\n"), HasSubstr("a.csv: its header has 100001 columns"));
}

TEST_F(CsvTest, ManyRowsKeepTheirOrderAndNumbers) {
  std::string contents = "text,label\n";
  constexpr int kRows = 250'000;  // more than Arrow's parser takes at once, and more than a block
  for (int i = 1; i <= kRows; ++i) contents += fmt::format("\"r\n{0}\",{0}\n", i);
  const std::vector<Row> rows = Read(contents);
  ASSERT_EQ(rows.size(), kRows);
  for (int i = 1; i <= kRows; ++i) {
    ASSERT_EQ(rows[i - 1], Of(i, fmt::format("r\n{}", i), std::to_string(i)));
  }
}

TEST_F(CsvTest, RefusesRowsOfAnotherWidthWithTheirNumber) {
  EXPECT_THAT(Message("text,label\nx,0\ny,1,2\n"), HasSubstr("a.csv: row 2: 3 fields, but the header has 2"));
  EXPECT_THAT(Message("text,label\nx\n"), HasSubstr("a.csv: row 1: 1 fields, but the header has 2"));
  std::string contents = "text,label\n";
  for (int i = 0; i < 200'000; ++i) contents += "some text,0\n";
  EXPECT_THAT(Message(contents + "x\n"), HasSubstr("a.csv: row 200001: 1 fields"));
}

TEST_F(CsvTest, RefusesAQuoteThatIsNotClosed) {
  EXPECT_THAT(Message("text,label\nx,0\n\"y,1\nz,2\n"),
              HasSubstr("a.csv: row 2: the file ends in a quoted field"));
  // The last field: a parser that closes the quote at the end of the file would find nothing wrong here.
  EXPECT_THAT(Message("text,label\nx,0\ny,\"1\nz,2\n"),
              HasSubstr("a.csv: row 2: the file ends in a quoted field"));
  EXPECT_THAT(Message("text,label\n\"x,0\ny,1\n\"z,2,3\n"),
              HasSubstr("row 1: 3 fields, but the header has 2; is a quote missing?"));
  EXPECT_THAT(Message("text,\"label\nx,0\n"), HasSubstr("a.csv: no header row"));
}

TEST_F(CsvTest, AQuoteThatIsNotClosedDoesNotDrawAHugeFileIntoMemory) {
  const DataFile file = FileOfPath(dir_ / "a.csv");
  WriteFileAtomically(file.path, "text,label\n\"x,0\n");
  std::filesystem::resize_file(file.path, size_t{20} << 30);  // zeros that take no place on the disk
  EXPECT_THAT(MessageOf([&] { ReadRows({file}, kTextAndLabel); }),
              HasSubstr("a.csv: row 1: longer than 256 MiB; is a quote missing?"));
}

TEST_F(CsvTest, RefusesWhatHasNoHeaderOrAnotherOne) {
  EXPECT_THAT(Message(""), HasSubstr("a.csv: no header row"));
  EXPECT_THAT(Message("\n\r\n"), HasSubstr("a.csv: no header row"));
  EXPECT_THAT(Message("Text,label\nx,0\n"),
              HasSubstr("a.csv: has no column 'text' (did you mean 'Text'?); it has 'Text', 'label'"));
  EXPECT_THAT(Message("text,label,label\nx,0,1\n"), HasSubstr("a.csv: has more than one column 'label'"));
  EXPECT_THAT(Read("text,label,x,x\na,b,c,d\n"), ElementsAre(Of(1, "a", "b")));
}

TEST_F(CsvTest, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT(Message("text,label\nx,0\ncaf\xe9,1\n"), HasSubstr("a.csv: row 2: 'text' is not valid UTF-8"));
  EXPECT_THAT(Message("text,label\nx,caf\xe9\n"), HasSubstr("a.csv: row 1: 'label' is not valid UTF-8"));
  EXPECT_THAT(Texts("text,label\ncaf\xc3\xa9,1\n"), ElementsAre("caf\xc3\xa9"));
}

}  // namespace
}  // namespace gemtune::data
