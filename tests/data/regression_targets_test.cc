#include "gemtune/data/regression_targets.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/data/raw_labels.h"

namespace gemtune::data {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;

std::vector<float> Targets(const RawLabels& raw) {
  return Encoded(raw, {}, LabelKind::kRegression);
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
  EXPECT_THAT(Refusal(List{int64_t{1}}),
              EndsWith("the label is a list, not a number, which regression needs"));
}

}  // namespace
}  // namespace gemtune::data
