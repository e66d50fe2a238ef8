#include "gemtune/data/csv.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/data/text_stream.h"
#include "tests/data/read_rows.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/utf16.h"

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
                        std::vector<std::string>* bad = nullptr, char csv_delimiter = '\0') {
    WriteFileAtomically(dir_ / name, contents);
    return ReadRows({FileOfPath(dir_ / name)}, columns, max_rows, bad, csv_delimiter);
  }
  std::vector<Row> ReadTsv(std::string_view contents, std::vector<std::string>* bad = nullptr) {
    return Read(contents, kTextAndLabel, 0, "a.tsv", bad);
  }
  std::string TsvMessage(std::string_view contents) {
    return MessageOf([&] { ReadTsv(contents); });
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

TEST_F(CsvTest, ReadsUtf16) {
  for (const bool big_endian : {false, true}) {
    EXPECT_THAT(Read(test::Utf16(u"\ufefftext,label\r\n\"\u00e4, \u2c2c\",0\r\n\u0a0d,1\r\n", big_endian)),
                ElementsAre(Of(1, "\xc3\xa4, \xe2\xb0\xac", "0"), Of(2, "\xe0\xa8\x8d", "1")));
    EXPECT_THAT(MessageOf([&] { Read(test::Utf16(u"\ufefftext,label\nx,0\ny", big_endian)); }),
                HasSubstr("a.csv: row 2: 1 fields"));
  }
}

TEST_F(CsvTest, ReadsADelimiterThatIsGiven) {
  const auto read = [&](std::string_view contents, const char* name, char delimiter) {
    return Read(contents, kTextAndLabel, 0, name, nullptr, delimiter);
  };
  const auto expected = ElementsAre(Of(1, "a, b\tc", "0"), Of(2, "d", "1"));
  EXPECT_THAT(read("text;label\na, b\tc;0\nd;1\n", "a.csv", ';'), expected);
  EXPECT_THAT(read("text|label\na, b\tc|0\nd|1\n", "a.tsv", '|'), expected);
  EXPECT_THAT(read("text\tlabel\na, b\t0\n", "a.csv", '\t'), ElementsAre(Of(1, "a, b", "0")));
  EXPECT_THAT(read("text,label\na\tb,0\n", "a.tsv", ','), ElementsAre(Of(1, "a\tb", "0")));
}

TEST_F(CsvTest, NamesTheDelimiterThatTheHeaderHas) {
  EXPECT_THAT(Message("text;label\na, b;0\n"),
              HasSubstr("a.csv: has no column 'text'; its columns seem to be separated by ';': give "
                        "`csv_delimiter` ';'"));
  EXPECT_THAT(Message("\"text\";\"label\"\na;0\n"), HasSubstr("give `csv_delimiter` ';'"));
  EXPECT_THAT(Message("text\tlabel\na\t0\n"), HasSubstr("separated by '\\t': give `csv_delimiter` '\\t'"));
  EXPECT_THAT(Message("text|label\na|0\n"), HasSubstr("give `csv_delimiter` '|'"));
  EXPECT_THAT(Message("a;b|text|label\n"), HasSubstr("give `csv_delimiter` '|'"));  // the most frequent
  EXPECT_THAT(TsvMessage("text,label\na,0\n"), HasSubstr("give `csv_delimiter` ','"));
  EXPECT_THAT(TsvMessage("text;label\na;0\n"), HasSubstr("give `csv_delimiter` ';'"));
  EXPECT_THAT(MessageOf([&] { Read("text,label\n", kTextAndLabel, 0, "a.csv", nullptr, ';'); }),
              HasSubstr("give `csv_delimiter` ','"));
  // Where nothing speaks for another one.
  EXPECT_THAT(Message("text\nx\n"), HasSubstr("a.csv: has no column 'label'; it has 'text'"));
  EXPECT_THAT(Message("te;xt,label\nx,0\n"), HasSubstr("it has 'te;xt', 'label'"));
  EXPECT_THAT(Read("a;b\nx\n", Named("a;b")), ElementsAre(Row{0, 1, "x", "", RawLabel()}));
}

TEST_F(CsvTest, SaysWhereItIsJson) {
  for (const char* contents :
       {"{\"text\": \"x\", \"label\": 1}\n", "[\n{\"text\": 1}]", "[{\"text\": \"x\", \"label\": 1}]"}) {
    EXPECT_THAT(Message(contents),
                HasSubstr("a.csv: has no column 'text'; it looks like JSON: give it a name "
                          "that ends in .jsonl"));
  }
}

constexpr std::string_view kCure =
    "holds tabs; is a quote missing? Write a quote inside a field twice, or the file as Parquet";

TEST_F(CsvTest, RefusesATsvFieldThatSwallowsRows) {
  EXPECT_EQ(TsvMessage("text\tlabel\nfine\tpos\n\"Awful start, he said\tneg\nx\tpos\n\"quoted\" end\tneg\n"),
            (dir_ / "a.tsv").string() + ": row 2: from line 3 on, a quoted field runs over 3 lines and " +
                std::string(kCure));
  // Whichever column, empty lines and properly quoted ones before it, each kind of line end.
  for (const char* end : {"\n", "\r\n", "\r"}) {
    const std::string_view contents =
        "text\tmore\tlabel\n\n\"a\nb\"\t\"c\td\"\te\nx\ty\tz\nx\t\"y\t0\nx\ty\"\t0\nlast\tx\ty\n";
    std::string with_end;
    for (const char c : contents) with_end += c == '\n' ? std::string(end) : std::string(1, c);
    EXPECT_THAT(TsvMessage(with_end), HasSubstr("row 3: from line 6 on, a quoted field runs over 2 lines"));
  }
}

TEST_F(CsvTest, ATsvFieldThatSwallowsRowsIsNamedBeforeWhatComesOfIt) {
  // The second quote is inside a field, so the next row has another number of fields.
  EXPECT_THAT(TsvMessage("text\tlabel\n\"A\tneg\nHe \"x\tpos\nb\n"), HasSubstr("row 1: from line 2 on"));
  EXPECT_THAT(TsvMessage("text\tlabel\n\"A\tneg\nx\"\ty\tpos\n"), HasSubstr("row 1: from line 2 on"));
  EXPECT_THAT(TsvMessage("text\tlabel\nb\n\"A\tneg\nx\"\tpos\n"), HasSubstr("row 1: 1 fields"));
}

TEST_F(CsvTest, SkipsRowsOfATsvThatSwallowedOthers) {
  std::vector<std::string> bad;
  EXPECT_THAT(
      ReadTsv("text\tlabel\na\t0\n\"b\t0\nc\"\t1\nd\t1\ne\n\"f\t\n\"\t\tx\n\"g\"\t2\n\"h\t\n\"\t2\n", &bad),
      ElementsAre(Of(1, "a", "0"), Of(3, "d", "1"), Of(6, "g", "2")));
  EXPECT_THAT(bad, ElementsAre(HasSubstr("row 2: from line 3 on"), HasSubstr("row 4: 1 fields"),
                               HasSubstr("row 5: from line 7 on"), HasSubstr("row 7: from line 10 on")));
}

TEST_F(CsvTest, LinesOfATsvAreCountedOverBlocks) {
  std::string contents = "text\tlabel\r\n";
  for (int i = 0; i < 100'000; ++i) contents += i % 3 == 0 ? "\"a\r\nb\"\t0\r\n" : "a\t0\r\n\r\n";
  EXPECT_THAT(TsvMessage(contents + "\"x\ty\r\nz\"\t0\r\n"), HasSubstr("row 100001: from line 200002 on"));
}

TEST_F(CsvTest, TakesATsvFieldWithTabsOrLineEndsAndOthersWithBoth) {
  EXPECT_THAT(
      ReadTsv("text\tlabel\n\"a\tb\"\t0\n\"c\nd \"\"e\"\"\"\t1\nf \"g\t2\nh\" i\t3\n"),
      ElementsAre(Of(1, "a\tb", "0"), Of(2, "c\nd \"e\"", "1"), Of(3, "f \"g", "2"), Of(4, "h\" i", "3")));
  EXPECT_THAT(Read("text,label\n\"a, b\nc\td\",0\n"), ElementsAre(Of(1, "a, b\nc\td", "0")));
  EXPECT_THAT(Read("text;label\n\"a; b\nc\td\";0\n", kTextAndLabel, 0, "a.tsv", nullptr, ';'),
              ElementsAre(Of(1, "a; b\nc\td", "0")));
  // By the delimiter, not by the name.
  EXPECT_THAT(
      MessageOf([&] { Read("text\tlabel\n\"a\t0\nb\"\t1\n", kTextAndLabel, 0, "a.csv", nullptr, '\t'); }),
      HasSubstr("row 1: from line 2 on"));
}

TEST(ParseDelimiter, TakesACharacterOrATabByName) {
  EXPECT_EQ(ParseDelimiter(""), '\0');
  EXPECT_EQ(ParseDelimiter(";"), ';');
  EXPECT_EQ(ParseDelimiter(","), ',');
  EXPECT_EQ(ParseDelimiter("|"), '|');
  EXPECT_EQ(ParseDelimiter(" "), ' ');
  for (const char* tab : {"\t", "\\t", "tab"}) EXPECT_EQ(ParseDelimiter(tab), '\t');
}

TEST(ParseDelimiter, RefusesOthers) {
  for (const char* text : {"\"", "'", "\r", "\n", "a", "Z", "0", ";;", "\\n", "TAB", "\xc2\xa7", "\xa7"}) {
    EXPECT_THAT(MessageOf([&] { ParseDelimiter(text); }),
                HasSubstr(fmt::format("`csv_delimiter` {}: must be a single character", Printable(text))));
  }
}

}  // namespace
}  // namespace gemtune::data
