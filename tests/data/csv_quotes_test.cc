#include "gemtune/data/csv_quotes.h"

#include <gmock/gmock.h>

namespace gemtune::data {
namespace {

int64_t Lines(std::initializer_list<std::string_view> pieces) {
  LineCounter counter;
  for (const std::string_view piece : pieces) counter.Add(piece);
  return counter.lines();
}

TEST(LineCounter, CountsEachKindOfLineEndOnceWhereverItIsCut) {
  EXPECT_EQ(Lines({}), 0);
  EXPECT_EQ(Lines({"a\nb\n\n"}), 3);
  EXPECT_EQ(Lines({"a\r\nb\r\n\r\n"}), 3);
  EXPECT_EQ(Lines({"a\rb\r\r"}), 3);
  EXPECT_EQ(Lines({"a\r", "\nb\r", "", "\n"}), 2);
  EXPECT_EQ(Lines({"a\n\rb"}), 2);
}

struct Found {
  int64_t row;
  std::string_view rest;  // of the text, from the field on
  int64_t lines;
  bool operator==(const Found&) const = default;
};

std::vector<Found> Find(std::string_view text) {
  std::vector<Found> found;
  for (const RunawayField& field : FindRunawayFields(text, '\t')) {
    found.push_back({field.row, text.substr(field.begin), field.lines});
  }
  return found;
}

TEST(FindRunawayFields, FindsQuotedFieldsWithTabsAndLineEnds) {
  using ::testing::ElementsAre;
  using ::testing::IsEmpty;
  EXPECT_THAT(Find(""), IsEmpty());
  EXPECT_THAT(Find("a\t\"b\nc\"\n\"d\te\"\tf\n"), IsEmpty());
  EXPECT_THAT(Find("\"a\tb\nc\"\n"), ElementsAre(Found{0, "\"a\tb\nc\"\n", 2}));
  EXPECT_THAT(Find("x\n\n\r\n\r\"\"\ny\t\"\r\n\t\r\n\"\n"), ElementsAre(Found{2, "\"\r\n\t\r\n\"\n", 3}));
  // The first of a row; one in each row.
  EXPECT_THAT(
      Find("\"\t\n\"\t\"\t\n\n\"\n\"\t\n\n\n\"z\n"),
      ElementsAre(Found{0, "\"\t\n\"\t\"\t\n\n\"\n\"\t\n\n\n\"z\n", 2}, Found{1, "\"\t\n\n\n\"z\n", 4}));
  // A doubled quote continues the field, a quote inside an unquoted field begins nothing, and text after the
  // closing quote belongs to the field.
  EXPECT_THAT(Find("\"a\"\"\tb\n\"\"\"\n"), ElementsAre(Found{0, "\"a\"\"\tb\n\"\"\"\n", 2}));
  EXPECT_THAT(Find("a\"\tb\nc\"\n"), IsEmpty());
  EXPECT_THAT(Find("\"a\"b\"\tc\nd\"\n"), IsEmpty());
  // Rows that are cut.
  EXPECT_THAT(Find("x\n\"a\tb\nc"), IsEmpty());
  EXPECT_THAT(Find("x\n\"a\tb\nc\""), IsEmpty());
}

}  // namespace
}  // namespace gemtune::data
