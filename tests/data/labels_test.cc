#include "gemtune/data/labels.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/support/message_of.h"

namespace gemtune::data {
namespace {

using ::gemtune::test::MessageOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using List = std::vector<RawClass>;
using Names = std::vector<std::string>;

// Rows 1, 2, ... of one file a column.
RawLabels Raw(const std::vector<std::vector<RawLabel>>& columns) {
  RawLabels raw;
  for (const std::vector<RawLabel>& values : columns) {
    const auto file = static_cast<uint32_t>(raw.files.size());
    raw.files.push_back(FileOfPath(fmt::format("{}.csv", static_cast<char>('a' + file))));
    raw.schemas.emplace_back();
    for (size_t i = 0; i < values.size(); ++i) {
      raw.values.push_back(values[i]);
      raw.places.push_back({file, static_cast<int64_t>(i) + 1});
    }
  }
  return raw;
}

RawLabels Fields(const std::vector<std::string>& fields) {
  std::vector<RawLabel> values;
  values.reserve(fields.size());
  for (const std::string& field : fields) values.emplace_back(CsvField{field});
  return Raw({values});
}

RawLabels Integers(const std::vector<int64_t>& integers) {
  return Raw({std::vector<RawLabel>(integers.begin(), integers.end())});
}

Names Found(const RawLabels& raw, LabelKind kind = LabelKind::kSingle) {
  return FindLabels(raw, kind).names;
}

std::vector<float> Encoded(const RawLabels& raw, const Names& names, LabelKind kind = LabelKind::kSingle) {
  return EncodeLabels(raw, kind, LabelSet{names});
}

std::string FindMessage(const RawLabels& raw, LabelKind kind = LabelKind::kSingle) {
  return MessageOf([&] { FindLabels(raw, kind); });
}

std::string EncodeMessage(const RawLabels& raw, const Names& names, LabelKind kind = LabelKind::kSingle) {
  return MessageOf([&] { Encoded(raw, names, kind); });
}

TEST(FindLabels, StringsAreNamesInTheOrderOfTheirBytes) {
  EXPECT_THAT(Found(Raw({{"b", "a", "B", "b", "\xc3\xa4", "10", "9"}})),
              ElementsAre("10", "9", "B", "a", "b", "\xc3\xa4"));
  EXPECT_THAT(Found(Fields({"spam", "ham", "spam"})), ElementsAre("ham", "spam"));
}

TEST(FindLabels, IntegersFromZeroAreIds) {
  EXPECT_THAT(Found(Integers({2, 0, 1, 1})), ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(Found(Raw({{1.0, 0.0}})), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(Found(Fields({"1", "0", "1"})), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(Found(Fields({"1.0", "0.0", "1"})), ElementsAre("LABEL_0", "LABEL_1"));
}

TEST(FindLabels, OtherIntegersAreNamesInTheirOrder) {
  EXPECT_THAT(Found(Integers({10, 9, 1})), ElementsAre("1", "9", "10"));
  EXPECT_THAT(Found(Integers({1, -1})), ElementsAre("-1", "1"));
  EXPECT_THAT(Found(Integers({0, 4})), ElementsAre("0", "4"));
  EXPECT_THAT(Found(Fields({"10", "9.0"})), ElementsAre("9", "10"));
}

TEST(FindLabels, AColumnOfFieldsIsNumbersOrNamesAsAWhole) {
  EXPECT_THAT(Found(Fields({"0", "1", "other"})), ElementsAre("0", "1", "other"));
  EXPECT_THAT(Found(Fields({"001", "002"})), ElementsAre("001", "002"));
  EXPECT_THAT(Found(Fields({"+1", "-1"})), ElementsAre("+1", "-1"));
  EXPECT_THAT(Found(Fields({"NA", "EU"})), ElementsAre("EU", "NA"));
  EXPECT_THAT(Found(Fields({"nan", "null"})), ElementsAre("nan", "null"));
  EXPECT_THAT(Found(Fields({"9223372036854775808", "1"})), ElementsAre("1", "9223372036854775808"));
  EXPECT_THAT(Found(Raw({{CsvField{"0"}, CsvField{"1"}}, {"a"}})), ElementsAre("0", "1", "a"));
  EXPECT_THAT(Found(Raw({{CsvField{"0"}, CsvField{"2"}}, {int64_t{1}}})),
              ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
}

TEST(FindLabels, MultiLabelTakesTheClassesOfAllLists) {
  EXPECT_THAT(Found(Raw({{List{"b", "a"}, List{}, List{"b"}}}), LabelKind::kMultiLabel),
              ElementsAre("a", "b"));
  EXPECT_THAT(Found(Raw({{List{int64_t{2}}, List{int64_t{0}, int64_t{1}}}}), LabelKind::kMultiLabel),
              ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(Found(Raw({{List{"a"}, List{}}}), LabelKind::kMultiLabel), ElementsAre("a"));
}

TEST(FindLabels, TheNamesOfAClassLabelComeFirst) {
  RawLabels raw = Raw({{int64_t{0}}, {int64_t{1}, int64_t{1}}, {"neg"}});
  raw.schemas[1].class_names = {"neg", "pos"};
  EXPECT_THAT(Found(raw), ElementsAre("neg", "pos"));
  EXPECT_THAT(Encoded(raw, Found(raw)), ElementsAre(0, 1, 1, 0));
  raw.schemas[2].class_names = {"pos", "neg"};
  EXPECT_THAT(FindMessage(raw),
              HasSubstr("c.csv: its classes 'pos', 'neg' are not those of b.csv, 'neg', 'pos'"));
}

TEST(FindLabels, NumbersAndNothingHaveNoClasses) {
  EXPECT_THAT(Found(Raw({{0.5, int64_t{1}}}), LabelKind::kRegression), IsEmpty());
  EXPECT_THAT(Found(Raw({{}}), LabelKind::kNone), IsEmpty());
}

TEST(FindLabels, RefusesLabelsThatDoNotFit) {
  EXPECT_THAT(FindMessage(Raw({{int64_t{0}, 0.5}})), HasSubstr("a.csv: row 2: label 0.5 is not a class"));
  EXPECT_THAT(FindMessage(Raw({{int64_t{0}, std::numeric_limits<double>::quiet_NaN()}})),
              HasSubstr("row 2: label nan"));
  EXPECT_THAT(FindMessage(Raw({{1e300}})), HasSubstr("row 1: label 1e+300 is not a class"));
  EXPECT_THAT(FindMessage(Fields({"0", "0.5", "1"})), HasSubstr("a.csv: row 2: label 0.5 is not a class"));
  EXPECT_THAT(FindMessage(Raw({{"a", ""}})), HasSubstr("a.csv: row 2: the label is empty"));
  EXPECT_THAT(FindMessage(Fields({"", "a"})), HasSubstr("a.csv: row 1: the label is empty"));
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
  EXPECT_EQ(Found(raw).size(), 2);
}

TEST(FindLabels, RefusesMultiHotRows) {
  const List row = {int64_t{0}, int64_t{0}, int64_t{1}};
  EXPECT_THAT(FindMessage(Raw({{row, row}}), LabelKind::kMultiLabel),
              HasSubstr("a.csv: row 1: every label is a list of 3 zeros and ones; give the ids"));
  EXPECT_THAT(EncodeMessage(Raw({{row}}), {"a", "b", "c"}, LabelKind::kMultiLabel),
              HasSubstr("3 zeros and ones"));
  // Lists of ids all the same.
  EXPECT_EQ(Found(Raw({{List{int64_t{0}, int64_t{1}}, List{int64_t{1}, int64_t{0}}}}), LabelKind::kMultiLabel)
                .size(),
            2);
  EXPECT_EQ(Found(Raw({{row, List{int64_t{1}}}}), LabelKind::kMultiLabel).size(), 2);
}

TEST(FindLabels, LeavesBadRowsOutWhereTheyAreTaken) {
  BadRows bad;
  const RawLabels numbers = Fields({"0", "NA", "1", "", "0.5", "NA"});
  EXPECT_THAT(FindLabels(numbers, LabelKind::kSingle, &bad).names, ElementsAre("LABEL_0", "LABEL_1"));
  std::vector<size_t> rows;
  for (const auto& [i, error] : bad) rows.push_back(i);
  EXPECT_THAT(rows, ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(bad.at(1).what(), HasSubstr("a.csv: row 2: label 'NA' among numbers"));

  bad.clear();
  const RawLabels lists = Raw({{List{"a"}, List{"b", ""}, "c", List{"d"}}});
  EXPECT_THAT(FindLabels(lists, LabelKind::kMultiLabel, &bad).names, ElementsAre("a", "d"));  // and not b
  EXPECT_EQ(bad.size(), 2);

  bad.clear();
  EXPECT_THAT(MessageOf([&] {
                FindLabels(Fields({"", ""}), LabelKind::kSingle, &bad);
              }),
              HasSubstr("no row has a class"));
}

TEST(EncodeLabels, LeavesBadRowsOutWhereTheyAreTaken) {
  BadRows bad;
  EXPECT_THAT(EncodeLabels(Raw({{"a", "x", "b"}}), LabelKind::kSingle, LabelSet{{"a", "b"}}, &bad),
              ElementsAre(0, 0, 1));
  ASSERT_EQ(bad.size(), 1);
  EXPECT_THAT(bad.at(1).what(), HasSubstr("a.csv: row 2: label 'x' is not one of 'a', 'b'"));
  EXPECT_EQ(bad.at(1).fault(), RowFault::kBadLabel);
  bad.clear();
  EncodeLabels(Fields({"0.5", "much"}), LabelKind::kRegression, {}, &bad);
  EXPECT_EQ(bad.size(), 1);
}

TEST(EncodeLabels, AFewLongListsAmongManyRowsDoNotAskForTheProduct) {
  RawLabels raw = Raw({{List{int64_t{1}}}});
  raw.values.resize(1 << 20, List{});
  raw.places.resize(raw.values.size());
  const LabelSet labels{Names(10'000, "x")};
  EXPECT_THAT(MessageOf([&] { EncodeLabels(raw, LabelKind::kMultiLabel, labels); }),
              HasSubstr("1048576 rows of 10000 classes are too many"));
}

TEST(EncodeLabels, GivesTheIdsOfNames) {
  EXPECT_THAT(Encoded(Raw({{"b", "a"}, {CsvField{"b"}}}), {"a", "b"}), ElementsAre(1, 0, 1));
  EXPECT_THAT(Encoded(Raw({{"b", "a"}}), {"b", "a"}), ElementsAre(0, 1));
}

TEST(EncodeLabels, WhatAnIntegerMeansFollowsFromTheNames) {
  EXPECT_THAT(Encoded(Integers({1, 5, 4}), {"1", "4", "5"}), ElementsAre(0, 2, 1));
  EXPECT_THAT(Encoded(Integers({1, 0}), {"LABEL_0", "LABEL_1"}), ElementsAre(1, 0));
  EXPECT_THAT(Encoded(Integers({1, 0}), {"LABEL_1", "LABEL_0"}), ElementsAre(0, 1));
  EXPECT_THAT(Encoded(Integers({1, 0}), {"negative", "positive"}), ElementsAre(1, 0));
  EXPECT_THAT(Encoded(Raw({{1.0, int64_t{0}, CsvField{"1"}, CsvField{"0.0"}}}), {"negative", "positive"}),
              ElementsAre(1, 0, 1, 0));
  // Not the class of id 0, which is the name "1".
  EXPECT_THAT(EncodeMessage(Integers({1, 0}), {"1", "2"}),
              HasSubstr("a.csv: row 2: label 0 is not one of '1', '2'"));
}

TEST(EncodeLabels, AFieldIsANameBeforeItIsANumber) {
  EXPECT_THAT(Encoded(Fields({"NA", "0.5", "01", "1"}), {"0.5", "01", "1", "NA"}), ElementsAre(3, 0, 1, 2));
}

TEST(EncodeLabels, AnIntegerOfAClassLabelMeansItsName) {
  RawLabels raw = Raw({{int64_t{0}, int64_t{1}}, {int64_t{0}}});
  raw.schemas[0].class_names = {"positive", "negative"};
  EXPECT_THAT(Encoded(raw, {"negative", "other", "positive"}), ElementsAre(2, 0, 0));
  // The user's own names for the classes.
  EXPECT_THAT(Encoded(raw, {"good", "bad"}), ElementsAre(0, 1, 0));
  raw.values[1] = int64_t{-1};  // how Hugging Face marks the rows of a test set without labels
  EXPECT_THAT(EncodeMessage(raw, {"negative", "positive"}),
              HasSubstr("a.csv: row 2: label -1 is not one of"));
}

TEST(EncodeLabels, MultiLabelIsOneValueAClass) {
  EXPECT_THAT(Encoded(Raw({{List{"c", "a"}, List{}, List{"b", "b", int64_t{0}}}}), {"a", "b", "c"},
                      LabelKind::kMultiLabel),
              ElementsAre(1, 0, 1, 0, 0, 0, 1, 1, 0));
  EXPECT_EQ(LabelWidth(LabelKind::kMultiLabel, LabelSet{{"a", "b", "c"}}), 3);
}

TEST(EncodeLabels, RegressionTakesNumbers) {
  const auto encoded = [](const RawLabels& raw) { return Encoded(raw, {}, LabelKind::kRegression); };
  EXPECT_THAT(encoded(Raw({{0.5, int64_t{-3}, CsvField{"1e-3"}, CsvField{"7"}}})),
              ElementsAre(0.5f, -3, 1e-3f, 7));
  for (const RawLabel& bad : std::initializer_list<RawLabel>{
           "0.5", CsvField{"NA"}, CsvField{""}, CsvField{"nan"}, CsvField{"1,5"}, CsvField{"inf"},
           List{int64_t{1}}, std::numeric_limits<double>::infinity(),
           std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    EXPECT_THAT(MessageOf([&] {
                  encoded(Raw({{0.0, bad}}));
                }),
                HasSubstr("a.csv: row 2: the label is not a number"));
  }
}

TEST(EncodeLabels, RefusesAnUnknownClassWithTheKnownOnes) {
  EXPECT_THAT(
      EncodeMessage(Raw({{"positive", "postive"}}), {"negative", "positive"}),
      HasSubstr(
          "a.csv: row 2: label 'postive' is not one of 'negative', 'positive' (did you mean 'positive'?)"));
  EXPECT_THAT(EncodeMessage(Integers({2}), {"a", "b"}),
              HasSubstr("a.csv: row 1: label 2 is not one of 'a', 'b'"));
  EXPECT_THAT(EncodeMessage(Integers({-1}), {"a", "b"}), HasSubstr("label -1 is not one of"));
  EXPECT_THAT(EncodeMessage(Raw({{"0"}}), {"LABEL_0", "LABEL_1"}), HasSubstr("label '0' is not one of"));
  EXPECT_THAT(EncodeMessage(Fields({"1.5"}), {"LABEL_0", "LABEL_1"}), HasSubstr("label '1.5' is not one of"));
}

TEST(EncodeLabels, RefusesAnUnusableLabelSet) {
  EXPECT_THAT(EncodeMessage(Integers({0}), {"a"}), HasSubstr("labels: 1 classes are given"));
  EXPECT_THAT(EncodeMessage(Integers({0}), {}), HasSubstr("labels: 0 classes are given"));
  EXPECT_THAT(EncodeMessage(Integers({0}), {"a", "b", "a"}), HasSubstr("labels: 'a' is there twice"));
}

TEST(EncodeLabels, EveryLabelIsFoundAgain) {
  for (const RawLabels& raw : {Integers({0, 1, 2}), Integers({1, 5, -7}), Integers({0, 4}),
                               Fields({"0", "1", "x"}), Fields({"9.0", "10"}), Raw({{"b", "a", "1"}})}) {
    const Names names = Found(raw);
    const std::vector<float> ids = Encoded(raw, names);
    EXPECT_EQ(std::set<float>(ids.begin(), ids.end()).size(), names.size());
  }
}

}  // namespace
}  // namespace gemtune::data
