#include "gemtune/data/labels/regression_targets.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/data/labels/raw_labels.h"

namespace gemtune::data {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;

std::vector<float> Targets(const RawLabels& raw) {
  return Encoded(raw, {}, LabelKind::kRegression);
}

Names Outputs(const std::vector<RawLabel>& rows) {
  return FindOutputs(Raw({rows}), nullptr).names;
}

std::string Refusal(const RawLabel& label) {
  return EncodeMessage(Raw({{0.0, label}}), {}, LabelKind::kRegression);
}

TEST(RegressionTargets, TakesNumbers) {
  EXPECT_THAT(Targets(Raw({{0.5, int64_t{-3}, CsvField{"1e-3"}, CsvField{"7"}}})),
              ElementsAre(0.5f, -3, 1e-3f, 7));
  EXPECT_THAT(Targets(Fields({" 1.5", "+1.5", "1.5 ", "\t-1.5", "01.5"})),
              ElementsAre(1.5f, 1.5f, 1.5f, -1.5f, 1.5f));
}

TEST(RegressionTargets, BooleansAreZeroAndOne) {
  EXPECT_THAT(Targets(Raw({{true, false, CsvField{"TRUE"}, CsvField{"false "}}})), ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(Refusal("true"), EndsWith("label 'true' is not a number, which regression needs"));
}

TEST(RegressionTargets, AListIsATargetForEachOutput) {
  const std::vector<RawLabel> rows = {List{0.5, int64_t{-2}}, List{true, 1e-3}};
  EXPECT_THAT(Outputs(rows), ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(Encoded(Raw({rows}), Outputs(rows), LabelKind::kRegression), ElementsAre(0.5f, -2, 1, 1e-3f));
  EXPECT_EQ(LabelWidth(LabelKind::kRegression, LabelSet{{"a", "b"}}), 2);
  EXPECT_EQ(LabelWidth(LabelKind::kRegression, {}), 1);
}

TEST(RegressionTargets, AListOfOneIsANumber) {
  EXPECT_THAT(Outputs({0.5, int64_t{1}}), testing::IsEmpty());
  EXPECT_THAT(Outputs({List{0.5}}), ElementsAre("LABEL_0"));
  for (const Names& one : {Names{}, Names{"LABEL_0"}}) {
    EXPECT_THAT(Encoded(Raw({{List{0.5}, 2.0}, {CsvField{"3"}}}), one, LabelKind::kRegression),
                ElementsAre(0.5f, 2, 3));
  }
}

TEST(RegressionTargets, RefusesAnotherCountOfNumbers) {
  const auto refusal = [](const RawLabel& label, const Names& names) {
    return EncodeMessage(Raw({{label}}), names, LabelKind::kRegression);
  };
  EXPECT_EQ(refusal(List{0.5, 1.0}, {"a", "b", "c"}),
            "a.csv: row 1: the label is 2 numbers, needed are 3, one an output");
  EXPECT_EQ(refusal(List{0.5, 1.0}, {}), "a.csv: row 1: the label is 2 numbers, needed are 1, one an output");
  EXPECT_EQ(refusal(0.5, {"a", "b"}), "a.csv: row 1: the label is 1 number, needed are 2, one an output");
  EXPECT_THAT(refusal(List{}, {}), EndsWith("the label is 0 numbers, needed are 1, one an output"));
  EXPECT_THAT(refusal(List{0.5, "x"}, {"a", "b"}),
              EndsWith("label 'x' is not a number, which regression needs"));
  EXPECT_THAT(refusal(List{0.5, std::numeric_limits<double>::quiet_NaN()}, {"a", "b"}),
              EndsWith("label nan is not a number, which regression needs"));
  EXPECT_THAT(refusal(List{1e300}, {}), EndsWith("is not finite in 32 bits, which regression needs"));
}

TEST(RegressionTargets, MostRowsSayHowManyNumbersThereAre) {
  const std::vector<RawLabel> rows = {List{1.0}, List{1.0, 2.0}, List{}, List{3.0, 4.0}, 5.0};
  EXPECT_THAT(Outputs(rows), ElementsAre("LABEL_0", "LABEL_1"));
  BadRows bad;
  const std::vector<float> values = Encoded(Raw({rows}), Outputs(rows), LabelKind::kRegression, &bad);
  EXPECT_THAT(bad, ElementsAre(testing::Key(0), testing::Key(2), testing::Key(4)));
  EXPECT_THAT(std::vector<float>(values.begin() + 2, values.begin() + 4), ElementsAre(1, 2));
  EXPECT_THAT(Outputs({List{1.0, 2.0}, 3.0, 4.0}), testing::IsEmpty());
}

TEST(RegressionTargets, RefusesWhatIsNoNumberWithTheCause) {
  EXPECT_EQ(
      Refusal(CsvField{"1,5"}),
      "a.csv: row 2: label '1,5' is not a number, which regression needs; write the decimal point as '.'");
  EXPECT_EQ(
      Refusal("-0,25 "),
      "a.csv: row 2: label '-0,25 ' is not a number, which regression needs; write the decimal point as "
      "'.'");
  for (const std::string text :
       {"NA", "nan", "inf", "-inf", "good", "1,2,3", "1.000,5", ",", "a,b", "1e999"}) {
    const std::string expected =
        fmt::format("a.csv: row 2: label '{}' is not a number, which regression needs", text);
    EXPECT_EQ(Refusal(text), expected);
    EXPECT_EQ(Refusal(CsvField{text}), expected);
  }
  EXPECT_THAT(Refusal("0.5"), EndsWith("label '0.5' is a string, not a number, which regression needs"));
  EXPECT_THAT(Refusal(CsvField{" "}), EndsWith("row 2: the label is empty"));
  EXPECT_THAT(Refusal(""), EndsWith("row 2: the label is empty"));
  EXPECT_THAT(Refusal(std::numeric_limits<double>::quiet_NaN()),
              EndsWith("row 2: label nan is not a number, which regression needs"));
  EXPECT_THAT(Refusal(std::numeric_limits<double>::infinity()),
              EndsWith("label inf is not finite in 32 bits, "
                       "which regression needs"));
  EXPECT_THAT(Refusal(1e300), EndsWith("label 1e+300 is not finite in 32 bits, which regression needs"));
  EXPECT_THAT(
      Refusal(CsvField{"[1.0, 2.0]"}),
      EndsWith("label '[1.0, 2.0]' is not a number, which regression needs; several numbers a row are to "
               "be a list, in Parquet or JSON Lines"));
}

}  // namespace
}  // namespace gemtune::data
