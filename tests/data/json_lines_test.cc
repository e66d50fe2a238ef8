#include "gemtune/data/json_lines.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/data/read_rows.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::data {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JsonLinesTest : public test::TempDir {
 protected:
  std::vector<Row> Read(std::string_view contents, const Columns& columns = kTextAndLabel,
                        int64_t max_rows = 0, std::vector<std::string>* bad = nullptr) {
    WriteFileAtomically(dir_ / "a.jsonl", contents);
    return ReadRows({FileOfPath(dir_ / "a.jsonl")}, columns, max_rows, bad);
  }
  std::string Message(std::string_view contents) {
    return MessageOf([&] { Read(contents); });
  }
  RawLabel Label(const std::string& json) {
    return Read(R"({"text": "x", "label": )" + json + "}").at(0).label;
  }
};

using List = std::vector<RawClass>;

TEST_F(JsonLinesTest, ReadsTheWantedKeysOnly) {
  EXPECT_THAT(Read(R"({"label": "a", "id": {"text": ["no"]}, "text": "one\n\u00e4\u0000"})"
                   "\n"
                   R"({"text": "", "label": "b", "more": null})"
                   "\r\n"),
              ElementsAre(Row{0, 1, std::string("one\n\xc3\xa4\0", 7), "", "a"}, Row{0, 2, "", "", "b"}));
  const Columns pair = Named("q", "", "p");
  EXPECT_THAT(Read(R"({"p": "x", "q": "y", "label": null})", pair),
              ElementsAre(Row{0, 1, "y", "x", RawLabel()}));
}

TEST_F(JsonLinesTest, LabelsKeepTheirType) {
  EXPECT_EQ(Label("-3"), RawLabel(int64_t{-3}));
  EXPECT_EQ(Label("3"), RawLabel(int64_t{3}));
  EXPECT_EQ(Label("9223372036854775807"), RawLabel(int64_t{9223372036854775807}));
  EXPECT_EQ(Label("3.0"), RawLabel(3.0));
  EXPECT_EQ(Label("1e-3"), RawLabel(1e-3));
  EXPECT_EQ(Label("true"), RawLabel(true));
  EXPECT_EQ(Label("false"), RawLabel(false));
  EXPECT_EQ(Label(R"("2020-01-01 00:00:00")"), RawLabel("2020-01-01 00:00:00"));
  EXPECT_EQ(Label("[]"), RawLabel(List{}));
  EXPECT_EQ(Label(R"([1, "a"])"), RawLabel(List{int64_t{1}, "a"}));
  EXPECT_EQ(Label("[1, 1.0, true, false]"), RawLabel(List{int64_t{1}, 1.0, true, false}));
}

TEST_F(JsonLinesTest, RowsAreLines) {
  EXPECT_THAT(
      Read("\xef\xbb\xbf\n  \n{\"text\": \"x\", \"label\": 1}\n\r\n\n {\"text\": \"y\", \"label\": 2} "),
      ElementsAre(Row{0, 3, "x", "", int64_t{1}}, Row{0, 6, "y", "", int64_t{2}}));
  EXPECT_THAT(Read(""), IsEmpty());
  EXPECT_THAT(Read("\n\n"), IsEmpty());
}

TEST_F(JsonLinesTest, StopsAtTheLimit) {
  EXPECT_EQ(Read("{\"text\": \"x\", \"label\": 1}\nno JSON", kTextAndLabel, 1).size(), 1);
}

TEST_F(JsonLinesTest, ALineMayBeTensOfMegabytesButNotItsText) {
  const std::string other(size_t{20} << 20, 'x');
  const std::string text(size_t{4} << 20, 'y');
  std::string contents;
  for (int i = 0; i < 3; ++i)
    contents += "{\"label\": 0, \"other\": \"" + other + "\", \"text\": \"" + text + "\"}\n";
  const std::vector<Row> rows = Read(contents);
  ASSERT_EQ(rows.size(), 3);
  for (const Row& row : rows) EXPECT_TRUE(row.text == text);
  EXPECT_THAT(Message("{\"label\": 0, \"text\": \"" + text + "y\"}"),
              HasSubstr("a.jsonl: row 1: 'text' has 4.2 MB of text, more than 4 MB"));
}

TEST_F(JsonLinesTest, SkipsEachKindOfBadRow) {
  std::vector<std::string> bad;
  const auto rows = Read(
      "{\"text\": \"a\", \"label\": 0}\n{\"text\": \n{\"label\": 1}\n{\"text\": null, \"label\": 1}\n"
      "{\"text\": 5, \"label\": 1}\n\n{\"text\": \"b\", \"label\": {}}\n{\"text\": \"c\", \"label\": 1}",
      kTextAndLabel, 0, &bad);
  EXPECT_THAT(rows, ElementsAre(Row{0, 1, "a", "", int64_t{0}}, Row{0, 8, "c", "", int64_t{1}}));
  EXPECT_THAT(bad,
              ElementsAre(HasSubstr("row 2: is not valid JSON"), HasSubstr("row 3: has no column 'text'"),
                          HasSubstr("row 4: 'text' is null"), HasSubstr("row 5: 'text' is a JSON number"),
                          HasSubstr("row 7: 'label' is a JSON object")));
}

TEST_F(JsonLinesTest, SkipsALineLongerThanAnyMayBe) {
  const DataFile file = FileOfPath(dir_ / "a.jsonl");
  WriteFileAtomically(file.path, "{\"text\": \"a\", \"label\": 0}\n");
  std::filesystem::resize_file(file.path, size_t{300} << 20);  // zeros that take no place on the disk
  EXPECT_THAT(MessageOf([&] { ReadRows({file}, kTextAndLabel); }), HasSubstr("row 2: longer than 256 MiB"));
  std::vector<std::string> bad;
  EXPECT_EQ(ReadRows({file}, kTextAndLabel, 0, &bad).size(), 1);
  EXPECT_EQ(bad.size(), 1);
}

TEST_F(JsonLinesTest, ARowOfManySmallValuesTakesNoMemoryForThem) {
  std::string many = "{\"x\": [";
  for (int i = 0; i < 1'000'000; ++i) many += "{},";
  EXPECT_EQ(Read(many + "0], \"text\": \"a\", \"label\": 0}").size(), 1);
  std::string labels = "{\"text\": \"a\", \"label\": [0";
  for (int i = 0; i < 70'000; ++i) labels += ",0";
  EXPECT_THAT(Message(labels + "]}"), HasSubstr("row 1: 'label' is a list of 70001 labels, more than 65536"));
}

TEST_F(JsonLinesTest, RefusesWhatIsNotAnObjectALine) {
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": 1}\n{\"text\": \"y\",\n"),
              AllOf(HasSubstr("a.jsonl: row 2: is not valid JSON at byte "), HasSubstr("one object a line")));
  EXPECT_THAT(Message("[\n{\"text\": \"x\"}]"), HasSubstr("row 1: is the start of a JSON array"));
  EXPECT_THAT(Message("[1]"), HasSubstr("row 1: is not a JSON object"));
  EXPECT_THAT(Message("null"), HasSubstr("row 1: is not a JSON object"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": NaN}"), HasSubstr("row 1: is not valid JSON at byte 24"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": 1e999}"),
              HasSubstr("row 1: holds a number that is too large"));
  EXPECT_THAT(Message("{\"text\": \"caf\xe9\", \"label\": 1}"),
              HasSubstr("row 1: is not valid JSON at byte 15"));
  EXPECT_THAT(Message("{\"text\": \"\\ud800\", \"label\": 1}"), HasSubstr("row 1: is not valid JSON"));
}

TEST_F(JsonLinesTest, RefusesDeepNestingWithoutOverflowingTheStack) {
  const std::string open(2'000'000, '[');
  EXPECT_THAT(Message("{\"text\": " + open), HasSubstr("row 1: is JSON nested more than 64 levels deep"));
  const std::string whole = open + std::string(open.size(), ']');
  EXPECT_THAT(Message("{\"text\": \"\", \"label\": 0, \"x\": " + whole),
              HasSubstr("row 1: is JSON nested more than 64 levels deep"));
  EXPECT_EQ(Read("{\"text\": \"\", \"label\": 0, \"x\": [[[[{}]]]]}").size(), 1);
}

TEST_F(JsonLinesTest, RefusesARowWithoutTheKeyOrOfAnotherType) {
  EXPECT_THAT(
      Message("{\"text\": \"x\", \"lable\": 1}"),
      HasSubstr("a.jsonl: row 1: has no column 'label' (did you mean 'lable'?); it has 'text', 'lable'"));
  EXPECT_THAT(Message("{}"), HasSubstr("a.jsonl: row 1: has no column 'text'; it has none"));
  EXPECT_THAT(Message("{\"text\": null, \"label\": 1}"), HasSubstr("row 1: 'text' is null"));
  EXPECT_THAT(Message("{\"text\": 5, \"label\": 1}"),
              HasSubstr("row 1: 'text' is a JSON number, not a string"));
  EXPECT_THAT(Message("{\"text\": [\"x\"], \"label\": 1}"), HasSubstr("row 1: 'text' is a JSON array"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": null}"), HasSubstr("row 1: 'label' is null"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": {}}"), HasSubstr("row 1: 'label' is a JSON object"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": [null]}"),
              HasSubstr("row 1: 'label' is a list with a JSON null"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": [[1]]}"),
              HasSubstr("list with a JSON array in it; the items are numbers, strings, true or false"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": 9223372036854775808}"),
              HasSubstr("9223372036854775808, too large"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": [18446744073709551615]}"), HasSubstr("too large"));
}

}  // namespace
}  // namespace gemtune::data
