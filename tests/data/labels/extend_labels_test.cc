#include <gmock/gmock.h>

#include "gemtune/data/labels/find_labels.h"
#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Names kKnown = {"positive", "negative"};

Names Extended(const RawLabels& raw, const Names& known, LabelKind kind = LabelKind::kSingle,
               BadRows* bad = nullptr) {
  return ExtendLabels(raw, kind, LabelSet{known}, bad).ids.labels().names;
}

// The names of the classes that the rows are read as.
Names ReadAs(const RawLabels& raw, const Names& known) {
  const EncodedLabels read = ReadLabels(raw, {.known_labels = LabelSet{known}});
  Names rows;
  for (const float id : read.values) rows.push_back(read.labels.names.at(static_cast<size_t>(id)));
  return rows;
}

std::string Refusal(const RawLabels& raw, const Names& known, LabelKind kind = LabelKind::kSingle) {
  return test::MessageOf([&] { ReadLabels(raw, {.kind = kind, .known_labels = LabelSet{known}}); });
}

RawLabels WithClassLabel(const std::vector<RawLabel>& rows, const Names& class_label) {
  RawLabels raw = Raw({rows});
  raw.schemas[0].class_names = class_label;
  return raw;
}

TEST(ExtendLabels, TheKnownClassesComeFirstAndWhatIsNewBehind) {
  EXPECT_THAT(Extended(Raw({{"negative", "positive"}}), kKnown), ElementsAre("positive", "negative"));
  EXPECT_THAT(Extended(Raw({{"x", "negative", "neutral", "B"}}), kKnown),
              ElementsAre("positive", "negative", "B", "neutral", "x"));
  EXPECT_THAT(Extended(Fields({"x", "negative"}), kKnown), ElementsAre("positive", "negative", "x"));
  EXPECT_THAT(ReadAs(Raw({{"x", "negative", "positive"}}), kKnown), ElementsAre("x", "negative", "positive"));
  EXPECT_THAT(Extended(Raw({{List{"x", "positive"}, List{}}}), kKnown, LabelKind::kMultiLabel),
              ElementsAre("positive", "negative", "x"));
}

TEST(ExtendLabels, IntegersAreIdsOfTheModel) {
  EXPECT_THAT(ReadAs(Integers({1, 0}), kKnown), ElementsAre("negative", "positive"));
  EXPECT_THAT(ReadAs(Fields({"1", " 0"}), kKnown), ElementsAre("negative", "positive"));
  EXPECT_THAT(ReadAs(Integers({1, 0}), {"LABEL_1", "LABEL_0"}), ElementsAre("LABEL_1", "LABEL_0"));
  EXPECT_THAT(ReadAs(Fields({"03", "1"}), {"1", "2", "3"}), ElementsAre("3", "1"));
  EXPECT_THAT(Refusal(Integers({0, 1, 2}), kKnown),
              HasSubstr("a.csv: row 3: label 2 is not one of 'positive', 'negative'"));
  EXPECT_THAT(Refusal(Fields({"1", "3"}), {"1", "2"}), HasSubstr("row 2: label '3' is not one of '1', '2'"));
  EXPECT_THAT(Refusal(Fields({"negative", "x", "7"}), kKnown), HasSubstr("row 3: label '7' is not one of"));
}

TEST(ExtendLabels, IntegersNeverMeanANewClass) {
  EXPECT_THAT(ReadAs(Raw({{"negative", "7", int64_t{0}}}), kKnown), ElementsAre("negative", "7", "positive"));
  EXPECT_THAT(Refusal(Raw({{"negative", "x", int64_t{2}}}), kKnown),
              HasSubstr("row 3: label 2 is not one of"));
  EXPECT_THAT(Refusal(Raw({{"LABEL_0", "LABEL_2", int64_t{2}}}), {"LABEL_0", "LABEL_1"}),
              HasSubstr("row 3: label 2 is not one of"));
  EXPECT_THAT(ReadAs(Raw({{"negative", "True", true}}), kKnown), ElementsAre("negative", "True", "negative"));
}

TEST(ExtendLabels, BooleansAreMatchedLikewise) {
  EXPECT_THAT(ReadAs(Raw({{true, false, CsvField{"TRUE"}}}), {"false", "true"}),
              ElementsAre("true", "false", "true"));
  EXPECT_THAT(ReadAs(Raw({{true, false}}), kKnown), ElementsAre("negative", "positive"));
  EXPECT_THAT(Refusal(Raw({{true, false}}), {"1", "2"}),
              HasSubstr("row 2: label False is not one of '1', '2'"));
  EXPECT_THAT(Refusal(Fields({"True", "False"}), {"true", "other"}),
              HasSubstr("row 2: label 'False' is not one of 'true', 'other'"));
}

TEST(ExtendLabels, WhatIsNoClassAmongNumbersIsNoNewOne) {
  EXPECT_THAT(Refusal(Fields({"1", "2", "NA"}), {"1", "2"}), HasSubstr("row 3: label 'NA' is not one of"));
  EXPECT_THAT(Refusal(Fields({"1", "0", "0.5"}), kKnown), HasSubstr("row 3: label '0.5' is not one of"));
  EXPECT_THAT(Extended(Fields({"negative", "NA"}), kKnown), ElementsAre("positive", "negative", "NA"));
  EXPECT_THAT(ReadAs(Fields({"1", "NA"}), {"1", "NA"}), ElementsAre("1", "NA"));
}

TEST(ExtendLabels, AClassLabelIsMatchedByName) {
  const RawLabels raw = WithClassLabel({int64_t{0}, int64_t{2}}, {"negative", "zero", "a", "positive"});
  EXPECT_THAT(Extended(raw, kKnown), ElementsAre("positive", "negative", "zero", "a"));
  EXPECT_THAT(ReadAs(raw, kKnown), ElementsAre("negative", "a"));
  EXPECT_THAT(Refusal(WithClassLabel({int64_t{0}, int64_t{4}}, {"negative", "positive"}), kKnown),
              HasSubstr("label 4 is not one of"));
  const RawLabels lists = WithClassLabel({List{1.0, 0.0}, List{1.0, 1.0}}, {"negative", "x"});
  const EncodedLabels read =
      ReadLabels(lists, {.kind = LabelKind::kMultiLabel, .known_labels = LabelSet{kKnown}});
  EXPECT_THAT(read.labels.names, ElementsAre("positive", "negative", "x"));
  EXPECT_THAT(read.values, ElementsAre(0, 1, 0, 0, 1, 1));
}

TEST(ExtendLabels, MultiHotListsAreOfTheModelsClasses) {
  const RawLabels lists = Raw({{List{1.0, 0.0}, List{1.0, 1.0}}});
  EXPECT_THAT(Extended(lists, kKnown, LabelKind::kMultiLabel), ElementsAre("positive", "negative"));
  EXPECT_THAT(Refusal(lists, {"a", "b", "c"}, LabelKind::kMultiLabel),
              HasSubstr("lists of 2 zeros and ones, but there are 3 classes"));
}

TEST(ExtendLabels, RefusesClassesOfWhichNoneIsKnown) {
  const std::string expected =
      "a.csv: its classes are 'neg', 'pos', none of which the model has (it has 'positive', 'negative'); to "
      "begin "
      "a new head give `label_names` neg,pos";
  EXPECT_EQ(Refusal(Raw({{"pos", "neg"}}), kKnown), expected);
  EXPECT_EQ(Refusal(Fields({"pos", "neg"}), kKnown), expected);
  EXPECT_EQ(Refusal(WithClassLabel({int64_t{1}, int64_t{0}}, {"neg", "pos"}), kKnown), expected);
  EXPECT_EQ(Refusal(Raw({{List{"pos"}, List{"neg"}}}), kKnown, LabelKind::kMultiLabel), expected);
  EXPECT_THAT(Refusal(Raw({{"pos", "neg", int64_t{0}}}), kKnown),
              StartsWith("a.csv: its classes are 'neg', 'pos'"));
  EXPECT_THAT(Refusal(Raw({{"New York", "Rome"}}), kKnown),
              HasSubstr("give `label_names` \"New York,Rome\""));
  for (const char* name : {"a,b", "caf\xc3\xa9", "$HOME"}) {
    EXPECT_THAT(Refusal(Raw({{name, "x"}}), kKnown),
                testing::EndsWith("give `label_names` with these names"));
  }
}

TEST(ExtendLabels, NumberedClassesAreToBeNamed) {
  EXPECT_EQ(
      Refusal(Raw({{"pos", "neg"}}), {"LABEL_0", "LABEL_1"}),
      "a.csv: its classes are 'neg', 'pos', none of which the model has (it has 'LABEL_0', 'LABEL_1'); to "
      "name the model's classes in the order of their ids give `label_names` neg,pos, if that is their "
      "order");
  EXPECT_THAT(
      Refusal(WithClassLabel({int64_t{1}, int64_t{0}}, {"neg", "pos"}), {"LABEL_0", "LABEL_1", "LABEL_2"}),
      HasSubstr("in the order of their ids give `label_names` with 3 names"));
}

TEST(ExtendLabels, RefusesRowsOfOneClass) {
  EXPECT_THAT(Refusal(Raw({{"negative", "negative"}}), kKnown),
              HasSubstr("a.csv: all 2 rows are of the class 'negative'; is it sorted by label?"));
  EXPECT_THAT(Refusal(Integers({0, 0}), kKnown), HasSubstr("all 2 rows are of the class 'positive'"));
}

TEST(ExtendLabels, BadRowsAreLeftOut) {
  BadRows bad;
  const EncodedLabels read =
      ReadLabels(Raw({{"negative", int64_t{9}, "x", ""}}), {.known_labels = LabelSet{kKnown}}, &bad);
  EXPECT_THAT(read.labels.names, ElementsAre("positive", "negative", "x"));
  EXPECT_THAT(read.values, ElementsAre(1, 0, 2, 0));
  EXPECT_THAT(bad, ElementsAre(testing::Key(1), testing::Key(3)));
  bad.clear();
  EXPECT_THAT(
      Extended(Raw({{List{"negative"}, List{"x", int64_t{9}}}}), kKnown, LabelKind::kMultiLabel, &bad),
      ElementsAre("positive", "negative"));
  EXPECT_THAT(bad, ElementsAre(testing::Key(1)));
}

TEST(ExtendLabels, OutputsOfARegressionAreTheModels) {
  const LabelOptions options{.kind = LabelKind::kRegression, .known_labels = LabelSet{{"a", "b"}}};
  EXPECT_THAT(ReadLabels(Raw({{List{1.0, 2.0}}}), options).labels.names, ElementsAre("a", "b"));
  EXPECT_THAT(Refusal(Raw({{List{1.0, 2.0}}}), {"LABEL_0"}, LabelKind::kRegression),
              HasSubstr("row 1: the label is 2 numbers, needed are 1, one an output"));
}

}  // namespace
}  // namespace gemtune::data
