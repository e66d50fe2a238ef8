#include "gemtune/data/labels/class_name_check.h"

#include <gmock/gmock.h>

#include "gemtune/data/data_check.h"
#include "gemtune/data/labels/label_text.h"

namespace gemtune::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ClassNameCheck, PlainNamesAreFine) {
  EXPECT_THAT(ClassNameWarnings({"neg", "pos", "LABEL_0", "other thing", "[other]", "none", "?", "1", "01",
                                 "2", "x2", "x\xc2\xb2", "caf\xc3\xa9", "cafe", "na", ""}),
              IsEmpty());
}

TEST(ClassNameCheck, ClassesThatDifferInWhatIsHardlySeen) {
  EXPECT_THAT(ClassNameWarnings({"pos", "pos ", "neg", "POS", "caf\xc3\xa9", "cafe\xcc\x81"}),
              ElementsAre("classes that differ in white space, letter case or Unicode form only: "
                          "'caf\\xc3\\xa9' / 'cafe\\xcc\\x81'; 'pos' / 'pos ' / 'POS'; are they one class?"));
  const std::vector<std::vector<std::string>> pairs = {{"a b", "ab"},
                                                       {"a", "\ta\n"},
                                                       {"a", "a\xc2\xa0"},      // no-break space
                                                       {"a", "a\xe2\x80\x8b"},  // zero-width space
                                                       {"a",
                                                        "\xef\xbb\xbf"
                                                        "a"},  // byte order mark
                                                       {"stra\xc3\x9f"
                                                        "e",
                                                        "STRASSE"},
                                                       {"\xc3\x84", "\xc3\xa4"},
                                                       {"\xce\xa3", "\xcf\x82"}};
  for (const std::vector<std::string>& pair : pairs) {
    EXPECT_THAT(ClassNameWarnings(pair), ElementsAre(HasSubstr("Unicode form only"))) << pair[0];
  }
  EXPECT_THAT(ClassNameWarnings({"\xff", "\xff "}), IsEmpty());  // not UTF-8: compared as it is
}

TEST(ClassNameCheck, ManyGroupsAreCut) {
  std::vector<std::string> names;
  for (char c = 'a'; c <= 'z'; ++c) {
    names.emplace_back(1, c);
    names.push_back(std::string(1, c) + " ");
  }
  EXPECT_THAT(ClassNameWarnings(names), ElementsAre(testing::AllOf(HasSubstr("'j' / 'j '; ... (26 in all)"),
                                                                   testing::Not(HasSubstr("'k'")))));
}

TEST(ClassNameCheck, WhatPandasWritesForAMissingLabel) {
  EXPECT_THAT(
      ClassNameWarnings({"a", "nan"}),
      ElementsAre("the class 'nan' is how pandas writes a missing label; are these rows without a label?"));
  EXPECT_THAT(
      ClassNameWarnings({"<NA>", "a", "None "}),
      ElementsAre("the classes '<NA>', 'None ' are how pandas writes a missing label; are these rows without "
                  "a label?"));
  for (const char* text : {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
                           "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}) {
    EXPECT_THAT(ClassNameWarnings({"a", text}), ElementsAre(HasSubstr("missing label"))) << text;
    EXPECT_TRUE(MarksMissing(text)) << text;
  }
}

TEST(ClassNameCheck, ListsThatCsvMadeTextOf) {
  EXPECT_THAT(
      ClassNameWarnings({"['a', 'b']", "['a']"}),
      ElementsAre(
          "the classes '['a', 'b']', '['a']' look like lists; CSV holds no lists: for several labels a "
          "row write Parquet or JSON Lines and give `task` multi-label"));
  EXPECT_THAT(ClassNameWarnings({"a", "[1, 2]"}),
              ElementsAre(HasSubstr("the class '[1, 2]' looks like a list; CSV")));
  EXPECT_THAT(ClassNameWarnings({"a", "{'a': 1}"}), ElementsAre(HasSubstr("looks like a list")));
}

Dataset OfClasses(std::vector<std::string> names, LabelKind kind, std::vector<float> values) {
  return Dataset({.ids = {5, 6},
                  .offsets = {0, 1, 2},
                  .truncated = {0, 0},
                  .label_values = std::move(values),
                  .label_kind = kind,
                  .labels = {std::move(names)}});
}

TEST(ClassNameCheck, IsPartOfTheLookAtTheTrainingData) {
  const auto warnings = [](const Dataset& train) { return DataWarnings({&train, nullptr, nullptr}, {}); };
  EXPECT_THAT(warnings(OfClasses({"a", "A"}, LabelKind::kSingle, {0, 1})),
              ElementsAre(HasSubstr("'a' / 'A'")));
  EXPECT_THAT(warnings(OfClasses({"a", "A"}, LabelKind::kMultiLabel, {0, 1, 1, 0})),
              ElementsAre(HasSubstr("'a' / 'A'")));
  EXPECT_THAT(warnings(OfClasses({"a", "A"}, LabelKind::kRegression, {0, 1, 1, 0})), IsEmpty());
}

}  // namespace
}  // namespace gemtune::data
