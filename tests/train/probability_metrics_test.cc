#include "gemtune/train/probability_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gemtune::train {
namespace {

// In the order of ProbabilityMetricNames; the first four are scikit-learn's, the last is numpy's by the
// formula.
void ExpectNear(const Metrics& metrics, const std::vector<double>& expected) {
  ASSERT_EQ(ProbabilityMetricNames().size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const std::string& name = ProbabilityMetricNames()[i];
    EXPECT_NEAR(metrics[name].get<double>(), expected[i], 1e-12) << name;
  }
}

const std::vector<std::string> kNoYes = {"no", "yes"};
const std::vector<float> kTwo = {0.5, -0.25, 1.0, 2.0,   -1.0, 0.5, 0.25, 0.25,
                                 2.0, -2.0,  0.5, -0.25, -3.0, 3.5, 0.0,  1.0};
const std::vector<int64_t> kOfTwo = {0, 1, 0, 1, 0, 1, 1, 0};

TEST(ProbabilityMetrics, OfTwoClassesEqualScikitLearn) {
  ExpectNear(ProbabilityMetrics(kTwo, kOfTwo, kNoYes),
             {0.6955597604858135, 0.2612174909267109, 0.625, 0.6678571428571428, 0.26969205300290844});
}

TEST(ProbabilityMetrics, OfThreeClassesEqualScikitLearn) {
  const std::vector<float> logits = {1, 0,  -1, 0.5, 1.5, 0,  0,   0.25, 2, 1, 1,
                                     0, -1, 0,  0.5, 2,   -1, 0.5, 0,    1, 0};
  const std::vector<int64_t> targets = {0, 1, 2, 1, 0, 0, 1};
  ExpectNear(
      ProbabilityMetrics(logits, targets, {"a", "b", "c"}),
      {0.7000290135471959, 0.3626810771105075, 0.9166666666666666, 0.9444444444444443, 0.24310530863816043});
}

TEST(ProbabilityMetrics, OfIndependentLabelsAreTheMeanOfScikitLearns) {
  const std::vector<float> logits = {1, -1, 0.5, 0.5, -0.5, 2, 0.25, -3, 1, 0};
  const std::vector<uint8_t> targets = {1, 0, 0, 1, 0, 1, 1, 1, 1, 0};
  ExpectNear(MultiLabelProbabilityMetrics(logits, targets, kNoYes),
             {0.7306617978150493, 0.22528142166656376, 0.75, 0.8916666666666666, 0.34388841432705924});
}

TEST(ProbabilityMetrics, ACertainModelHasAFiniteLoss) {
  const Metrics wrong = ProbabilityMetrics(std::vector<float>{1000, -1000}, std::vector<int64_t>{1}, kNoYes);
  EXPECT_NEAR(wrong["log_loss"].get<double>(), 36.04365338911715, 1e-9);  // −ln 2.2e-16
  EXPECT_EQ(wrong["brier"], 1.0);
  EXPECT_EQ(wrong["expected_calibration_error"], 1.0);
  EXPECT_TRUE(wrong["auroc"].is_null());  // of one class alone there is no order
  EXPECT_TRUE(wrong["average_precision"].is_null());
}

TEST(ProbabilityMetrics, AClassThatDoesNotOccurIsLeftOutOfTheMean) {
  const std::vector<float> logits = {2, 1, 0, 1, 2, 0, 3, 0, 1};
  const Metrics m = ProbabilityMetrics(logits, std::vector<int64_t>{0, 1, 0}, {"a", "b", "c"});
  EXPECT_EQ(m["auroc"], 1.0);
  EXPECT_EQ(m["average_precision"], 1.0);
}

TEST(ProbabilityMetrics, OfNumbersThatAreNoneAreNull) {
  for (const float broken :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Metrics m =
        ProbabilityMetrics(std::vector<float>{1, broken, 0, 1}, std::vector<int64_t>{0, 1}, kNoYes);
    ASSERT_EQ(m.size(), ProbabilityMetricNames().size());
    for (const std::string& name : ProbabilityMetricNames()) EXPECT_TRUE(m[name].is_null()) << name;
    EXPECT_TRUE(MultiLabelProbabilityMetrics(std::vector<float>{1, broken}, std::vector<uint8_t>{0, 1},
                                             kNoYes)["brier"]
                    .is_null());
  }
}

TEST(ProbabilityTables, AddUpToTheMetrics) {
  const Metrics tables = ProbabilityMetrics(kTwo, kOfTwo, kNoYes);
  const Metrics& bins = tables["calibration"];
  ASSERT_EQ(bins.size(), kCalibrationBins);
  double count = 0, right = 0, error = 0;
  for (size_t b = 0; b < bins.size(); ++b) {
    const auto n = bins[b]["count"].get<double>();
    ASSERT_EQ(bins[b]["accuracy"].is_null(), n == 0);
    if (n == 0) continue;
    const auto confidence = bins[b]["confidence"].get<double>(), accuracy = bins[b]["accuracy"].get<double>();
    EXPECT_GE(confidence, static_cast<double>(b) / kCalibrationBins);
    EXPECT_LE(confidence, static_cast<double>(b + 1) / kCalibrationBins);
    count += n;
    right += n * accuracy;
    error += n * std::fabs(confidence - accuracy) / 8;
  }
  EXPECT_EQ(count, 8);
  EXPECT_NEAR(right, 4, 1e-12);
  EXPECT_NEAR(error, ProbabilityMetrics(kTwo, kOfTwo, kNoYes)["expected_calibration_error"].get<double>(),
              1e-12);
}

TEST(ProbabilityTables, CurvesCountWhatIsAboveEachThreshold) {
  const Metrics curves = ProbabilityMetrics(kTwo, kOfTwo, kNoYes)["pr_curves"];
  ASSERT_EQ(curves.size(), 1u);  // of two classes the second
  const Metrics& yes = curves["yes"];
  EXPECT_EQ(yes["positives"], 4);
  EXPECT_EQ(yes["negatives"], 4);
  ASSERT_EQ(yes["true_positives"].size(), kThresholds);
  EXPECT_EQ(yes["true_positives"][0], 4);
  EXPECT_EQ(yes["false_positives"][0], 4);
  EXPECT_EQ(yes["true_positives"][49], 3);   // from 0.49 on, of (1, 2), (0.25, 0.25) and (-3, 3.5)
  EXPECT_EQ(yes["false_positives"][49], 2);  // of (-1, 0.5) and (0, 1)
  EXPECT_EQ(yes["true_positives"][100], 0);
}

TEST(ProbabilityTables, NameTheMostConfidentlyWrong) {
  const Metrics wrong = ProbabilityMetrics(kTwo, kOfTwo, kNoYes)["most_wrong"];
  std::vector<int64_t> rows;
  for (const Metrics& one : wrong) rows.push_back(one["row"]);
  EXPECT_EQ(rows, (std::vector<int64_t>{2, 7, 5, 3}));
  EXPECT_EQ(wrong[0]["true"], "no");
  EXPECT_EQ(wrong[0]["predicted"], "yes");
  EXPECT_NEAR(wrong[0]["probability"].get<double>(), 0.8175744761936437, 1e-12);
}

TEST(ProbabilityTables, OfLabelsHaveACurveEachAndOneCalibration) {
  const std::vector<float> logits = {1, -1, 0.5, 0.5, -0.5, 2};
  const std::vector<uint8_t> targets = {1, 0, 0, 1, 0, 1};
  const Metrics tables = MultiLabelProbabilityMetrics(logits, targets, {"a", "b"});
  int64_t count = 0;
  for (const Metrics& bin : tables["calibration"]) count += bin["count"].get<int64_t>();
  EXPECT_EQ(count, 6);
  EXPECT_EQ(tables["pr_curves"]["a"]["positives"], 1);
  EXPECT_EQ(tables["pr_curves"]["b"]["positives"], 2);
  std::vector<std::string> many(kCurves + 1, "x");
  EXPECT_FALSE(
      MultiLabelProbabilityMetrics(std::vector<float>(kCurves + 1), std::vector<uint8_t>(kCurves + 1), many)
          .contains("pr_curves"));
}

}  // namespace
}  // namespace gemtune::train
