#include "gemtune/data/labels/find_labels.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(FindLabels, StringsAreNamesInTheOrderOfTheirBytes) {
  EXPECT_THAT(FoundNames(Raw({{"b", "a", "B", "b", "\xc3\xa4", "10", "9"}})),
              ElementsAre("10", "9", "B", "a", "b", "\xc3\xa4"));
  EXPECT_THAT(FoundNames(Fields({"spam", "ham", "spam"})), ElementsAre("ham", "spam"));
}

TEST(FindLabels, IntegersFromZeroAreIds) {
  EXPECT_THAT(FoundNames(Integers({2, 0, 1, 1})), ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(FoundNames(Raw({{1.0, 0.0}})), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(FoundNames(Fields({"1", "0", "1"})), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(FoundNames(Fields({"1.0", "0.0", "1"})), ElementsAre("LABEL_0", "LABEL_1"));
}

TEST(FindLabels, OtherIntegersAreNamesInTheirOrder) {
  EXPECT_THAT(FoundNames(Integers({10, 9, 1})), ElementsAre("1", "9", "10"));
  EXPECT_THAT(FoundNames(Integers({1, -1})), ElementsAre("-1", "1"));
  EXPECT_THAT(FoundNames(Integers({0, 4})), ElementsAre("0", "4"));
  EXPECT_THAT(FoundNames(Fields({"10", "9.0"})), ElementsAre("9", "10"));
}

TEST(FindLabels, AColumnOfFieldsIsNumbersOrNamesAsAWhole) {
  EXPECT_THAT(FoundNames(Fields({"0", "1", "other"})), ElementsAre("0", "1", "other"));
  EXPECT_THAT(FoundNames(Fields({"001", "002"})), ElementsAre("001", "002"));
  EXPECT_THAT(FoundNames(Fields({"01", "1"})), ElementsAre("01", "1"));
  EXPECT_THAT(FoundNames(Fields({"NA", "EU"})), ElementsAre("EU", "NA"));
  EXPECT_THAT(FoundNames(Fields({"nan", "null"})), ElementsAre("nan", "null"));
  EXPECT_THAT(FoundNames(Fields({"9223372036854775808", "1"})), ElementsAre("1", "9223372036854775808"));
  EXPECT_THAT(FoundNames(Raw({{CsvField{"0"}, CsvField{"1"}}, {"a"}})), ElementsAre("0", "1", "a"));
  EXPECT_THAT(FoundNames(Raw({{CsvField{"0"}, CsvField{"2"}}, {int64_t{1}}})),
              ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
}

TEST(FindLabels, AFieldMayHaveSpacesAndAPlusAroundItsNumber) {
  EXPECT_THAT(FoundNames(Fields({" 3", "3 ", "+3", "3.0", "3", " 5"})), ElementsAre("3", "5"));
  EXPECT_THAT(FoundNames(Fields({"+1", "-1"})), ElementsAre("-1", "1"));
  EXPECT_THAT(FoundNames(Fields({" 0", "+1"})), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(FoundNames(Raw({{" 0", "+1"}})), ElementsAre(" 0", "+1"));  // no field
  EXPECT_THAT(FindMessage(Fields({"0", "1", " 0.5"})), HasSubstr("row 3: label 0.5 is not a class"));
  EXPECT_THAT(FindMessage(Fields({"0", "1", " NA"})), HasSubstr("row 3: label ' NA' among numbers"));
}

TEST(FindLabels, BooleansAreTheSameClassesWhereverTheyStand) {
  const auto both = ElementsAre("False", "True");
  EXPECT_THAT(FoundNames(Raw({{true, false}})), both);
  EXPECT_THAT(FoundNames(Fields({"true", "FALSE", " True", "false "})), both);
  EXPECT_THAT(FoundNames(Raw({{true}, {CsvField{"False"}}})), both);
  EXPECT_THAT(FoundNames(Raw({{true}, {"false"}})), both);
  EXPECT_THAT(FoundNames(Raw({{CsvField{"TRUE"}}, {"false", "true"}})), both);
  EXPECT_THAT(FoundNames(Raw({{"true", "false"}})), ElementsAre("false", "true"));  // names
  EXPECT_THAT(FoundNames(Fields({"True", "False", "maybe"})), ElementsAre("False", "True", "maybe"));
  EXPECT_THAT(FindMessage(Raw({{true, true}})), HasSubstr("the only class is 'True'"));
}

TEST(FindLabels, BooleansAmongIntegersAreIntegers) {
  EXPECT_THAT(FoundNames(Raw({{true, false, int64_t{2}}})), ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(FoundNames(Raw({{true, int64_t{5}}})), ElementsAre("1", "5"));
  EXPECT_THAT(FoundNames(Raw({{int64_t{0}}, {CsvField{"True"}}})), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(FoundNames(Fields({"0", "True", "1"})), ElementsAre("LABEL_0", "LABEL_1"));
}

TEST(FindLabels, RefusesBooleansAmongOtherThings) {
  EXPECT_THAT(FindMessage(Raw({{true}, {"false", "yes"}})),
              HasSubstr("b.csv: row 1: label 'false' is a string, but others are booleans, such as True"));
  EXPECT_THAT(FindMessage(Raw({{true}, {CsvField{"maybe"}}})), HasSubstr("label 'maybe' is a string"));
  EXPECT_THAT(FindMessage(Raw({{true, int64_t{0}, "true"}})),
              HasSubstr("row 3: label 'true' is a string, but others are integers, such as 0"));
  EXPECT_THAT(FindMessage(Fields({"True", "False", "NA"})),
              HasSubstr("a.csv: row 3: label 'NA' among booleans; remove the row, or name all classes"));
}

TEST(FindLabels, MultiLabelTakesTheClassesOfAllLists) {
  EXPECT_THAT(FoundNames(Raw({{List{"b", "a"}, List{}, List{"b"}}}), LabelKind::kMultiLabel),
              ElementsAre("a", "b"));
  EXPECT_THAT(FoundNames(Raw({{List{int64_t{2}}, List{int64_t{0}, int64_t{1}}}}), LabelKind::kMultiLabel),
              ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(FoundNames(Raw({{List{"a"}, List{}}}), LabelKind::kMultiLabel), ElementsAre("a"));
}

TEST(FindLabels, TheNamesOfAClassLabelComeFirst) {
  RawLabels raw = Raw({{int64_t{0}}, {int64_t{1}, int64_t{1}}, {"neg"}});
  raw.schemas[1].class_names = {"neg", "pos"};
  EXPECT_THAT(FoundNames(raw), ElementsAre("neg", "pos"));
  EXPECT_THAT(Encoded(raw, FoundNames(raw)), ElementsAre(0, 1, 1, 0));
  raw.schemas[2].class_names = {"pos", "neg"};
  EXPECT_THAT(FindMessage(raw),
              HasSubstr("c.csv: its classes 'pos', 'neg' are not those of b.csv, 'neg', 'pos'"));
}

TEST(FindLabels, NumbersAndNothingHaveNoClasses) {
  EXPECT_THAT(ReadLabels(Raw({{0.5, int64_t{1}}}), {.kind = LabelKind::kRegression}).labels.names, IsEmpty());
  EXPECT_THAT(ReadLabels(Raw({{}}), {.kind = LabelKind::kNone}).labels.names, IsEmpty());
}

TEST(FindLabels, RefusesLabelsThatDoNotFit) {
  EXPECT_THAT(FindMessage(Raw({{int64_t{0}, 0.5}})), HasSubstr("a.csv: row 2: label 0.5 is not a class"));
  EXPECT_THAT(FindMessage(Raw({{int64_t{0}, std::numeric_limits<double>::quiet_NaN()}})),
              HasSubstr("row 2: label nan"));
  EXPECT_THAT(FindMessage(Raw({{1e300}})), HasSubstr("row 1: label 1e+300 is not a class"));
  EXPECT_THAT(FindMessage(Fields({"0", "0.5", "1"})), HasSubstr("a.csv: row 2: label 0.5 is not a class"));
  EXPECT_THAT(FindMessage(Raw({{"a", ""}})), HasSubstr("a.csv: row 2: the label is empty"));
  EXPECT_THAT(FindMessage(Fields({"", "a"})), HasSubstr("a.csv: row 1: the label is empty"));
  EXPECT_THAT(FindMessage(Fields({"0", " ", "1"})), HasSubstr("a.csv: row 2: the label is empty"));
  EXPECT_THAT(FindMessage(Raw({{"a", List{"b"}}})), HasSubstr("row 2: the label is a list"));
  EXPECT_THAT(FindMessage(Raw({{"a"}}), LabelKind::kMultiLabel), HasSubstr("row 1: the label is not a list"));
  EXPECT_THAT(FindMessage(Raw({{List{""}}}), LabelKind::kMultiLabel), HasSubstr("row 1: the label is empty"));
  EXPECT_THAT(FindMessage(Fields({"a b"}), LabelKind::kMultiLabel), HasSubstr("row 1: CSV holds no lists"));
}

TEST(FindLabels, RefusesAMissingValueAmongNumbers) {
  EXPECT_THAT(FindMessage(Fields({"0", "1", "NA"})), HasSubstr("a.csv: row 3: label 'NA' among numbers"));
  EXPECT_THAT(FindMessage(Fields({"nan", "0.0", "1.0"})),
              HasSubstr("a.csv: row 1: label 'nan' among numbers"));
}

TEST(FindLabels, RefusesIntegersAndStringsMixed) {
  EXPECT_THAT(FindMessage(Raw({{int64_t{0}, int64_t{1}}, {int64_t{1}, "b"}})),
              HasSubstr("b.csv: row 2: label 'b' is a string, but others are integers, such as 0"));
}

TEST(FindLabels, RefusesASingleClass) {
  EXPECT_THAT(FindMessage(Raw({{"a", "a"}})),
              HasSubstr("a.csv: the only class is 'a'; a classifier needs at least 2"));
  EXPECT_THAT(FindMessage(Integers({0, 0})), HasSubstr("the only class is 'LABEL_0'"));
  EXPECT_THAT(FindMessage(Raw({{List{}}, {List{}}}), LabelKind::kMultiLabel),
              HasSubstr("a.csv and the other files: no row has a class; a classifier needs at least 1"));
}

TEST(FindLabels, RefusesRowsOfOneClassOfAClassLabel) {
  RawLabels raw = Raw({{int64_t{0}, int64_t{0}}});
  raw.schemas[0].class_names = {"negative", "positive"};
  EXPECT_THAT(FindMessage(raw),
              HasSubstr("a.csv: all 2 rows are of the class 'negative'; is it sorted by label?"));
  raw.values[1] = int64_t{1};
  EXPECT_EQ(FoundNames(raw).size(), 2);
}

TEST(FindLabels, LeavesBadRowsOutWhereTheyAreTaken) {
  BadRows bad;
  const RawLabels numbers = Fields({"0", "NA", "1", "", "0.5", "NA"});
  EXPECT_THAT(FoundNames(numbers, LabelKind::kSingle, &bad), ElementsAre("LABEL_0", "LABEL_1"));
  std::vector<size_t> rows;
  for (const auto& [i, error] : bad) rows.push_back(i);
  EXPECT_THAT(rows, ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(bad.at(1).what(), HasSubstr("a.csv: row 2: label 'NA' among numbers"));

  bad.clear();
  const RawLabels lists = Raw({{List{"a"}, List{"b", ""}, "c", List{"d"}}});
  EXPECT_THAT(FoundNames(lists, LabelKind::kMultiLabel, &bad), ElementsAre("a", "d"));  // and not b
  EXPECT_EQ(bad.size(), 2);

  bad.clear();
  EXPECT_THAT(MessageOf([&] {
                FoundNames(Fields({"", ""}), LabelKind::kSingle, &bad);
              }),
              HasSubstr("no row has a class"));
}

}  // namespace
}  // namespace gemtune::data
