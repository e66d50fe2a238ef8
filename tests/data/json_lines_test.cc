#include "gemtune/data/json_lines.h"

#include <gmock/gmock.h>

#include <fstream>

#include "gemtune/base/file.h"
#include "tests/data/read_rows.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/utf16.h"

namespace gemtune::data {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
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
  RawLabel Label(const std::string& value) {
    return Read(R"({"text": "x", "label": )" + value + "}").at(0).label;
  }
};

using List = std::vector<RawClass>;

constexpr const char* kOverLines =
    "the line ends within a JSON value; one object per line is needed (Python: json.dumps of one row a line; "
    "pandas: to_json(orient=\"records\", lines=True))";

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
              ElementsAre(HasSubstr("row 2: the line ends within"), HasSubstr("row 3: has no column 'text'"),
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
              HasSubstr(std::string("a.jsonl: row 2: ") + kOverLines));
  EXPECT_THAT(
      Message("{\"text\": x}"),
      HasSubstr(
          "a.jsonl: row 1: is not valid JSON at byte 10, near '{\"text\": x}'; one object per line is"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": 1}\n[\n"),
              HasSubstr("row 2: is the start of a JSON array"));
  EXPECT_THAT(Message("null"), HasSubstr("row 1: is not a JSON object"));
  EXPECT_THAT(Message("{\"text\": \"x\", \"label\": nan}"), HasSubstr("row 1: is not valid JSON at byte 25"));
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

TEST_F(JsonLinesTest, SaysWhatAnObjectOverManyLinesNeeds) {
  EXPECT_THAT(Message("{\n  \"text\": \"x\",\n  \"label\": 1\n}\n"),
              HasSubstr(std::string("a.jsonl: row 1: ") + kOverLines));
  EXPECT_THAT(Message("{\"data\": [\r\n{\"text\": \"x\", \"label\": 1}\r\n]}\r\n"), HasSubstr(kOverLines));
  EXPECT_THAT(Message("{\"text\": \"a\nb\", \"label\": 1}\n"), HasSubstr(kOverLines));
  EXPECT_THAT(
      Message(R"({"text": {"0": "a", "1": "b"}, "label": {"0": 0, "1": 1}})"),
      HasSubstr("a.jsonl: row 1: 'text' is a JSON object, not a string; one object per line is needed "
                "(Python: json.dumps of one row a line; pandas: to_json(orient=\"records\", lines=True))"));
}

TEST_F(JsonLinesTest, ReadsRowsWithNaNInAColumnThatIsNotRead) {
  EXPECT_THAT(Read(R"({"text": "NaN \"NaN", "x": NaN, "y": [Infinity, {"z": -Infinity}], "label": 1})"
                   "\n"
                   R"({"x":NaN,"text":"\\","label":-1,"y":-Infinity})"),
              ElementsAre(Row{0, 1, "NaN \"NaN", "", int64_t{1}}, Row{0, 2, "\\", "", int64_t{-1}}));
}

TEST_F(JsonLinesTest, NamesTheWordThatIsNoNumberAsANull) {
  for (const std::string word : {"NaN", "Infinity", "-Infinity"}) {
    std::vector<std::string> bad;
    EXPECT_EQ(Read("{\"text\": \"x\", \"label\": " + word + "}\n{\"label\": 1, \"text\":" + word +
                       "}\n{\"text\": \"x\", \"label\": [1, " + word + "]}\n",
                   kTextAndLabel, 0, &bad)
                  .size(),
              0);
    EXPECT_THAT(bad, ElementsAre(EndsWith("a.jsonl: row 1: 'label' is " + word),
                                 EndsWith("a.jsonl: row 2: 'text' is " + word),
                                 EndsWith("a.jsonl: row 3: 'label' is a list with " + word)));
  }
  try {
    Read(R"({"text": NaN, "label": 1})");
    FAIL();
  } catch (const RowError& error) {
    EXPECT_EQ(error.fault(), RowFault::kNull);
  }
}

TEST_F(JsonLinesTest, NaNHidesNoOtherFault) {
  EXPECT_THAT(Message(R"({"text": "x", "x": NaN, "label": 1,})"),
              HasSubstr("row 1: is not valid JSON at byte 36, near '\": NaN, \"label\": 1,}'"));
  EXPECT_THAT(Message(R"({"text": "x", "x": Infinity, "y": -Infinity, "label": 1,})"),
              HasSubstr("row 1: is not valid JSON at byte 57"));
  for (const char* wrong : {"NaNs", "1NaN", "-NaN", "--Infinity", "Infinit", "Na", "NaN NaN"}) {
    EXPECT_THAT(Message(fmt::format(R"({{"text": "x", "label": 1, "x": {}}})", wrong)),
                HasSubstr("row 1: is not valid JSON"));
  }
  EXPECT_THAT(Message(R"({NaN: 1, "text": "x", "label": 1})"),
              HasSubstr("row 1: is not valid JSON at byte 2,"));
  for (const char* row : {"NaN", " -Infinity ", "[NaN]"}) {
    EXPECT_THAT(Message(R"({"text": "x", "label": 1})" + std::string("\n") + row),
                HasSubstr("row 2: is not a JSON object"));
  }
  EXPECT_THAT(Message(R"({"text": "x", "x": NaN, "label": {"a": 1}})"),
              HasSubstr("row 1: 'label' is a JSON object"));
  EXPECT_THAT(Message(R"({"text": "x", "x": NaN, "lable": 1})"),
              HasSubstr("row 1: has no column 'label' (did you mean 'lable'?); it has 'text', 'x', 'lable'"));
  EXPECT_THAT(Message(R"({"text": "x", "x": NaN, "label": null})"), HasSubstr("row 1: 'label' is null"));
  EXPECT_THAT(Message(R"({"text": "x", "x": NaN, "label": 1e999})"), HasSubstr("row 1: holds a number"));
}

TEST_F(JsonLinesTest, ManyWordsThatAreNoNumbersTakeLinearTime) {
  std::string contents = "{\"text\": \"x\", \"label\": 1, \"x\": [NaN";
  for (int i = 0; i < 1'000'000; ++i) contents += ",NaN";
  EXPECT_EQ(Read(contents + "]}").size(), 1);
}

TEST_F(JsonLinesTest, ReadsAnArrayOfObjects) {
  const auto expected = ElementsAre(Row{0, 1, "a]},", "", int64_t{0}}, Row{0, 2, "\"b\\", "", int64_t{1}});
  const std::string a = R"({"text": "a]},", "label": 0})",
                    b = R"({"label": 1, "x": [{}, []], "text": "\"b\\"})";
  EXPECT_THAT(Read("[" + a + "," + b + "]"), expected);
  EXPECT_THAT(Read("\xef\xbb\xbf\n\n [\n" + a + ",\n" + b + "\n]\n\n"), expected);
  EXPECT_THAT(Read("[" + a + "\r\n,\r\n" + b + "]\r\n"), expected);
  EXPECT_THAT(
      Read("[\n  {\n    \"text\": \"a]},\",\n    \"label\": 0\n  },\n  {\n    \"text\": \"\\\"b\\\\\",\n"
           "    \"label\": 1\n  }\n]"),
      expected);
  EXPECT_THAT(Read("[" + a + "," + b + ", this is not looked at", kTextAndLabel, 2), expected);
  EXPECT_THAT(Read("[]"), IsEmpty());
  EXPECT_THAT(Read(" [ \n ] \n"), IsEmpty());
}

TEST_F(JsonLinesTest, ReadsUtf16) {
  for (const bool big_endian : {false, true}) {
    for (const char16_t* text : {u"\ufeff{\"text\": \"\u20ac\", \"label\": 1}\n",
                                 u"\ufeff[\n{\"text\": \"\u20ac\", \"label\": 1}]"}) {
      EXPECT_THAT(Read(test::Utf16(text, big_endian)),
                  ElementsAre(Row{0, 1, "\xe2\x82\xac", "", int64_t{1}}));
    }
  }
}

TEST_F(JsonLinesTest, ElementsThatAreWrongAreRowsThatAreWrong) {
  const std::string contents =
      R"([{"text": "a", "label": 0}, {"text": null, "label": 1}, {"text": 1 2}, "x", [{}], {"text": "b",
         "label": NaN}, {"text": {}, "label": 1}, nonsense, {"text": "c", "label": 1}])";
  std::vector<std::string> bad;
  EXPECT_THAT(Read(contents, kTextAndLabel, 0, &bad),
              ElementsAre(Row{0, 1, "a", "", int64_t{0}}, Row{0, 9, "c", "", int64_t{1}}));
  EXPECT_THAT(
      bad,
      ElementsAre(
          HasSubstr("a.jsonl: row 2: 'text' is null"),
          HasSubstr("row 3: is not valid JSON at byte 12, near '{\"text\": 1 2}'; an array of objects is"),
          HasSubstr("row 4: is not a JSON object; an array of objects is needed"),
          HasSubstr("row 5: is not a JSON object"), HasSubstr("row 6: 'label' is NaN"),
          EndsWith("row 7: 'text' is a JSON object, not a string"),
          HasSubstr("row 8: is not valid JSON at byte 2")));
  EXPECT_THAT(Message(contents), HasSubstr("row 2: 'text' is null"));
}

TEST_F(JsonLinesTest, ABrokenArrayIsAnErrorWhateverIsSkipped) {
  const auto message = [&](std::string_view contents) {
    std::vector<std::string> bad;
    const std::string text = MessageOf([&] { Read(contents, Named("text"), 0, &bad); });
    EXPECT_THAT(bad, IsEmpty());
    return text;
  };
  const std::string a = R"({"text": "a"})";
  const auto cut = [](int row) {
    return HasSubstr(
        fmt::format("a.jsonl: row {}: the file ends within its JSON array; is it cut off?", row));
  };
  for (const std::string begin : {"", " ", "{", "{\"", "{\"\\", "[{}, {"})
    EXPECT_THAT(message("[" + begin), cut(1));
  for (const std::string end : {"", " \n", ",", ", {", ",\"\n"}) EXPECT_THAT(message("[" + a + end), cut(2));
  EXPECT_THAT(message("[" + a + ", {\"text\": [}, " + a + "]"),
              HasSubstr("row 2: its brackets do not match; the JSON array breaks off here"));
  EXPECT_THAT(message("[" + a + ", {\"text\": (]}"), HasSubstr("row 2: its brackets do not match"));
  EXPECT_THAT(message("[}"), HasSubstr("row 1: its brackets do not match"));
  EXPECT_THAT(message("[" + a + " " + a + "]"),
              HasSubstr("row 1: '{' follows where a comma or the end of the JSON array should"));
  EXPECT_THAT(message("[" + a + "\n" + a + "]"), HasSubstr("row 1: '{' follows"));
  EXPECT_THAT(message("[" + a + "}"), HasSubstr("row 1: '}' follows"));
  EXPECT_THAT(message("[,"), HasSubstr("row 1: ',' is not an element of the JSON array; is there an extra"));
  EXPECT_THAT(message("[" + a + ",, " + a + "]"), HasSubstr("row 2: ',' is not an element"));
  EXPECT_THAT(message("[" + a + ",\n]"), HasSubstr("row 2: ']' is not an element"));
  EXPECT_THAT(message("[" + a + "]\n[" + a + "]"),
              HasSubstr("a.jsonl: text follows its JSON array; the file must be one array of objects"));
  EXPECT_THAT(message("[]\n" + a), HasSubstr("text follows its JSON array"));
  EXPECT_THAT(message("[" + std::string(1'000'001, '[')), HasSubstr("row 1: its brackets do not match"));
}

TEST_F(JsonLinesTest, ElementsMayBeLongerThanABlockAndSpanBlocks) {
  const std::string other(size_t{3} << 20, '\\'), spaces(200'000, ' ');
  std::string contents = "[";
  for (int i = 0; i < 3; ++i) {
    contents += (i > 0 ? "," : "") + spaces + "{\"label\": 0, \"text\": \"x\", \"other\":" + spaces + "\"" +
                other + "\"}" + spaces;
    for (int k = 0; k < 20'000; ++k) contents += ",{\"text\": \"y\",\"label\": 1}";
  }
  const std::vector<Row> rows = Read(contents + "]" + spaces);
  ASSERT_EQ(rows.size(), 60'003);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto number = static_cast<int64_t>(i) + 1;
    ASSERT_EQ(rows[i], i % 20'001 == 0 ? (Row{0, number, "x", "", int64_t{0}})
                                       : (Row{0, number, "y", "", int64_t{1}}));
  }
}

TEST_F(JsonLinesTest, PassesOverAnElementThatIsTooLong) {
  // Zeros, that take no place on the disk, in a string that closes behind them.
  const DataFile file = FileOfPath(dir_ / "a.json");
  WriteFileAtomically(file.path, R"([{"text": "a"}, {"text": ")");
  std::filesystem::resize_file(file.path, size_t{300} << 20);
  std::ofstream(file.path, std::ios::app) << R"("}, {"text": "b"}])";
  EXPECT_THAT(MessageOf([&] { ReadRows({file}, Named("text")); }),
              HasSubstr("a.json: row 2: longer than 256 MiB"));
  std::vector<std::string> bad;
  EXPECT_THAT(ReadRows({file}, Named("text"), 0, &bad),
              ElementsAre(Row{0, 1, "a", "", RawLabel()}, Row{0, 3, "b", "", RawLabel()}));
  EXPECT_EQ(bad.size(), 1);
}

}  // namespace
}  // namespace gemtune::data
