#include "gemtune/data/labels/encode_labels.h"

#include <gmock/gmock.h>

#include <limits>
#include <set>

#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(EncodeLabels, LeavesBadRowsOutWhereTheyAreTaken) {
  BadRows bad;
  EXPECT_THAT(Encoded(Raw({{"a", "x", "b"}}), {"a", "b"}, LabelKind::kSingle, &bad), ElementsAre(0, 0, 1));
  ASSERT_EQ(bad.size(), 1);
  EXPECT_THAT(bad.at(1).what(), HasSubstr("a.csv: row 2: label 'x' is not one of 'a', 'b'"));
  EXPECT_EQ(bad.at(1).fault(), RowFault::kBadLabel);
  bad.clear();
  Encoded(Fields({"0.5", "much"}), {}, LabelKind::kRegression, &bad);
  EXPECT_EQ(bad.size(), 1);
}

TEST(EncodeLabels, AFewLongListsAmongManyRowsDoNotAskForTheProduct) {
  RawLabels raw = Raw({{List{int64_t{1}}}});
  raw.values.resize(1 << 20, List{});
  raw.places.resize(raw.values.size());
  Names names;
  for (int i = 0; i < 10'000; ++i) names.push_back(fmt::format("{}", i));
  EXPECT_THAT(EncodeMessage(raw, names, LabelKind::kMultiLabel),
              HasSubstr("1048576 rows of 10000 values are too many"));
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

TEST(EncodeLabels, WhereNamesAreNumbersNoIntegerIsAnId) {
  const Names stars = {" 1", "2", "+3", "04", "5.0"};
  EXPECT_THAT(Encoded(Integers({1, 2, 3, 4, 5}), stars), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(Encoded(Fields({"1", "2.0", "03", " 4", "+5"}), stars), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(EncodeMessage(Integers({0}), stars),
              HasSubstr("a.csv: row 1: label 0 is not one of ' 1', '2', '+3', '04', '5.0'"));
  EXPECT_THAT(EncodeMessage(Fields({"0"}), stars), HasSubstr("label '0' is not one of"));
  // One number among the names, or a fraction, is enough.
  for (const Names& names : {Names{"none", "1.5"}, Names{"none", "7"}, Names{"LABEL_0", "LABEL_1", "12"}}) {
    EXPECT_THAT(EncodeMessage(Integers({0}), names), HasSubstr("label 0 is not one of"));
    EXPECT_THAT(EncodeMessage(Fields({"1"}), names), HasSubstr("label '1' is not one of"));
  }
  // Two names of one value: only what is written.
  const Names twice = {"01", "1", "2", "03", "003"};
  EXPECT_THAT(Encoded(Fields({"1", "01", "02", "1.0"}), twice), ElementsAre(1, 0, 2, 1));
  EXPECT_THAT(Encoded(Integers({1, 2}), twice), ElementsAre(1, 2));
  EXPECT_THAT(EncodeMessage(Fields({"001"}), twice), HasSubstr("label '001' is not one of"));
  EXPECT_THAT(EncodeMessage(Integers({3}), twice), HasSubstr("label 3 is not one of"));
  EXPECT_THAT(EncodeMessage(Fields({"3"}), twice), HasSubstr("label '3' is not one of"));
}

TEST(EncodeLabels, AFieldMeansAnIdOnlyAsIntegersAreWritten) {
  const Names names = {"negative", "positive"};
  EXPECT_THAT(Encoded(Fields({"1", " 0", "+1", "0.0 "}), names), ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(EncodeMessage(Fields({"01"}), names), HasSubstr("label '01' is not one of"));
}

TEST(EncodeLabels, ABooleanMeansANameOrElseAnInteger) {
  const auto encoded = [](const Names& names) {
    return Encoded(Raw({{true, false, CsvField{"TRUE"}, CsvField{" false"}}}), names);
  };
  EXPECT_THAT(encoded({"False", "True"}), ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(encoded({"True", "False"}), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(encoded({"true", "false"}), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(encoded({"LABEL_1", "LABEL_0"}), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(encoded({"2", "1", "0"}), ElementsAre(1, 2, 1, 2));
  EXPECT_THAT(encoded({"negative", "positive"}), ElementsAre(1, 0, 1, 0));
  // Exactly what is written comes first.
  EXPECT_THAT(Encoded(Fields({"true", "True", "False"}), {"False", "True", "true"}), ElementsAre(2, 1, 0));
  EXPECT_THAT(Encoded(Raw({{"true", "FALSE"}}), {"False", "True"}), ElementsAre(1, 0));
}

TEST(EncodeLabels, ABooleanIsNoIntegerWhereNamesAreTruthValues) {
  EXPECT_THAT(EncodeMessage(Raw({{false}}), {"true", "other"}),
              HasSubstr("a.csv: row 1: label False is not one of 'true', 'other'"));
  EXPECT_THAT(EncodeMessage(Fields({"False"}), {"true", "other"}), HasSubstr("label 'False' is not one of"));
  EXPECT_THAT(EncodeMessage(Raw({{true}}), {"true", "TRUE"}), HasSubstr("label True is not one of"));
  EXPECT_THAT(EncodeMessage(Raw({{true}}), {"2", "3"}), HasSubstr("label True is not one of '2', '3'"));
  EXPECT_THAT(EncodeMessage(Raw({{"true"}}), {"LABEL_0", "LABEL_1"}),
              HasSubstr("label 'true' is not one of"));
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

std::vector<std::string> WarningsOf(const RawLabels& raw, const Names& names) {
  return ReadLabels(raw, {.labels = LabelSet{names}}).warnings;
}

TEST(EncodeLabels, AClassLabelOfWhichSomeNamesAreKnownIsReadByName) {
  RawLabels raw = Raw({{int64_t{0}, int64_t{1}}});
  raw.schemas[0].class_names = {"negative", "positive", "unsupervised"};
  EXPECT_THAT(Encoded(raw, {"positive", "negative"}), ElementsAre(1, 0));
  EXPECT_THAT(WarningsOf(raw, {"positive", "negative"}), testing::IsEmpty());
  raw.values[1] = int64_t{2};
  EXPECT_THAT(EncodeMessage(raw, {"positive", "negative"}),
              HasSubstr("a.csv: row 2: label 2, 'unsupervised', is not one of 'positive', 'negative'"));
}

TEST(EncodeLabels, WarnsOfAClassLabelOfWhichNoNameIsKnown) {
  RawLabels raw = Raw({{int64_t{0}, int64_t{1}}, {int64_t{1}}});
  raw.schemas[0].class_names = {"neg", "pos"};
  EXPECT_THAT(
      WarningsOf(raw, {"negative", "positive"}),
      ElementsAre("a.csv: its classes 'neg', 'pos' are not the model's 'negative', 'positive'; taken by "
                  "their ids"));
  EXPECT_THAT(WarningsOf(raw, {"LABEL_0", "LABEL_1"}), testing::IsEmpty());
  EXPECT_THAT(WarningsOf(raw, {"other", "pos", "neg"}), testing::IsEmpty());
  // Some renamed, in the order of the file.
  EXPECT_THAT(WarningsOf(raw, {"neg", "good"}),
              ElementsAre(HasSubstr("are not the model's 'neg', 'good'; taken")));
  EXPECT_THAT(Encoded(raw, {"neg", "good"}), ElementsAre(0, 1, 1));
  EXPECT_THAT(EncodeMessage(raw, {"good", "neg"}),
              HasSubstr("row 2: label 1, 'pos', is not one of 'good', 'neg'"));
  // Its integers are ids, the names are other numbers.
  EXPECT_THAT(EncodeMessage(raw, {"1", "2"}),
              HasSubstr("a.csv: its classes 'neg', 'pos' are none of '1', '2'; write its labels as these"));
  // Names that stand in the rows need none in the schema.
  RawLabels strings = Raw({{"negative", "positive"}});
  strings.schemas[0].class_names = {"neg", "pos"};
  EXPECT_THAT(WarningsOf(strings, {"negative", "positive"}), testing::IsEmpty());
  EXPECT_THAT(Encoded(Raw({{"1", "2"}}), {"1", "2"}), ElementsAre(0, 1));
}

TEST(EncodeLabels, MultiLabelIsOneValueAClass) {
  EXPECT_THAT(Encoded(Raw({{List{"c", "a"}, List{}, List{"b", "b", int64_t{0}}}}), {"a", "b", "c"},
                      LabelKind::kMultiLabel),
              ElementsAre(1, 0, 1, 0, 0, 0, 1, 1, 0));
  EXPECT_EQ(LabelWidth(LabelKind::kMultiLabel, LabelSet{{"a", "b", "c"}}), 3);
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

TEST(EncodeLabels, ListsAreReadAsTheyWereWhenTheirClassesWereFound) {
  BadRows bad;
  // The first row makes all lists of ids, and is left out.
  const RawLabels raw = Raw({{List{"a", 1.0}, List{int64_t{1}, int64_t{1}}, List{int64_t{0}, int64_t{1}}}});
  const EncodedLabels read = ReadLabels(raw, {.kind = LabelKind::kMultiLabel}, &bad);
  EXPECT_THAT(read.labels.names, ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(read.values, ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(bad, ElementsAre(testing::Key(0)));
}

TEST(EncodeLabels, RefusesAnUnusableLabelSet) {
  EXPECT_THAT(EncodeMessage(Integers({0}), {"a"}), HasSubstr("labels: 1 classes are given"));
  EXPECT_THAT(EncodeMessage(Integers({0}), {}), HasSubstr("labels: 0 classes are given"));
  EXPECT_THAT(EncodeMessage(Integers({0}), {"a", "b", "a"}), HasSubstr("labels: 'a' occurs twice"));
}

// The names of the ids that a file's own labels are given.
Names NamesOfRows(const RawLabels& raw) {
  const Names names = FoundNames(raw);
  Names rows;
  for (const float id : Encoded(raw, names)) rows.push_back(names.at(static_cast<size_t>(id)));
  return rows;
}

TEST(EncodeLabels, EveryLabelIsFoundAgain) {
  using testing::ElementsAreArray;
  EXPECT_THAT(NamesOfRows(Integers({0, 2, 1})), ElementsAre("LABEL_0", "LABEL_2", "LABEL_1"));
  EXPECT_THAT(NamesOfRows(Integers({1, 5, -7})), ElementsAre("1", "5", "-7"));
  EXPECT_THAT(NamesOfRows(Integers({0, 4})), ElementsAre("0", "4"));
  EXPECT_THAT(NamesOfRows(Fields({"9.0", " 10", "+9", "10 "})), ElementsAre("9", "10", "9", "10"));
  EXPECT_THAT(NamesOfRows(Fields({"true", "False", "TRUE"})), ElementsAre("True", "False", "True"));
  EXPECT_THAT(NamesOfRows(Raw({{true, "false", CsvField{"true"}}})), ElementsAre("True", "False", "True"));
  EXPECT_THAT(NamesOfRows(Raw({{true, false, int64_t{0}}})), ElementsAre("LABEL_1", "LABEL_0", "LABEL_0"));
  for (const Names& texts : {Names{"0", "1", "x"}, Names{"03", "3", " 3", "+3", "3.0"}, Names{"1e3", "1000"},
                             Names{" a", "a", "a "}, Names{"0.5", "01", "b", "NA"}, Names{"01", "02", "03"},
                             Names{"True", "true", "x"}}) {
    EXPECT_THAT(NamesOfRows(Fields(texts)), ElementsAreArray(texts));
    EXPECT_THAT(NamesOfRows(Raw({std::vector<RawLabel>(texts.begin(), texts.end())})),
                ElementsAreArray(texts));
  }
}

}  // namespace
}  // namespace gemtune::data
