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
                        int64_t max_rows = 0) {
    WriteFileAtomically(dir_ / "a.jsonl", contents);
    return ReadRows({FileOfPath(dir_ / "a.jsonl")}, columns, max_rows);
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
  EXPECT_EQ(Label("true"), RawLabel(int64_t{1}));
  EXPECT_EQ(Label("false"), RawLabel(int64_t{0}));
  EXPECT_EQ(Label(R"("2020-01-01 00:00:00")"), RawLabel("2020-01-01 00:00:00"));
  EXPECT_EQ(Label("[]"), RawLabel(List{}));
  EXPECT_EQ(Label(R"([1, "a"])"), RawLabel(List{int64_t{1}, "a"}));
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

TEST_F(JsonLinesTest, ALineMayBeTensOfMegabytes) {
  const std::string text(size_t{20} << 20, 'x');
  std::string contents;
  for (int i = 0; i < 3; ++i) contents += "{\"label\": 0, \"text\": \"" + text + "\"}\n";
  const std::vector<Row> rows = Read(contents);
  ASSERT_EQ(rows.size(), 3);
  for (const Row& row : rows) EXPECT_TRUE(row.text == text);
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
  EXPECT_THAT(Message("{\"text\": " + open), HasSubstr("row 1: is not valid JSON"));
  const std::string whole = open + std::string(open.size(), ']');
  EXPECT_THAT(Message("{\"text\": \"\", \"label\": 0, \"x\": " + whole),
              HasSubstr("row 1: is not valid JSON"));
  EXPECT_EQ(Read("{\"text\": \"\", \"label\": 0, \"x\": " + whole + "}").size(), 1);
}

TEST_F(JsonLinesTest, RefusesARowWithoutTheKeyOrOfAnotherType) {
  EXPECT_THAT(
      Message("{\"text\": \"x\", \"lable\": 1}"),
      HasSubstr("a.jsonl: row 1: has no column 'label' (did you mean 'lable'?); it has 'lable', 'text'"));
  EXPECT_THAT(Message("{}"), HasSubstr("a.jsonl: row 1: has no column 'text'; it has none"));
  EXPECT_THAT(Message("{\"text\": null, \"label\": 1}"), HasSubstr("row 1: 'text' is null"));
  EXPECT_THAT(Message("{\"text\": 5, \"label\": 1}"),
              HasSubstr("row 1: 'text' is a JSON number, not a string"));
  EXPECT_THAT(Message("{\"text\": [\"x\"], \"label\": 1}"), HasSubstr("row 1: 'text' is a JSON array"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": null}"), HasSubstr("row 1: 'label' is null"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": {}}"), HasSubstr("row 1: 'label' is a JSON object"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": [null]}"),
              HasSubstr("row 1: 'label' is a list with a JSON null"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": [0.5]}"), HasSubstr("list with a JSON number in it"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": 9223372036854775808}"),
              HasSubstr("9223372036854775808, too large"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": [18446744073709551615]}"), HasSubstr("too large"));
}

}  // namespace
}  // namespace gemtune::data
