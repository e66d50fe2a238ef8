#include "gemtune/train/calibration.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "tests/support/message_of.h"

namespace gemtune::train {
namespace {

double Loss(const std::vector<float>& logits, const std::vector<int64_t>& targets, size_t classes, double t) {
  double loss = 0;
  for (size_t row = 0; row < targets.size(); ++row) {
    double sum = 0;
    for (size_t c = 0; c < classes; ++c) sum += std::exp(logits[row * classes + c] / t);
    loss += std::log(sum) - logits[row * classes + static_cast<size_t>(targets[row])] / t;
  }
  return loss;
}

// A model that is right in three of four cases, and always as sure: p = 3/4 at 2 / T = ln 3.
TEST(FitTemperature, MakesTheScoreTheShareThatIsRight) {
  const std::vector<float> logits = {0, 2, 2, 0, 0, 2, 0, 2};
  EXPECT_NEAR(FitTemperature(logits, std::vector<int64_t>{1, 0, 1, 0}, 2), 2 / std::log(3.0), 1e-9);
  const std::vector<float> of_labels = {2, -2, 2, 2};
  EXPECT_NEAR(FitTemperature(of_labels, std::vector<uint8_t>{1, 0, 1, 0}), 2 / std::log(3.0), 1e-9);
}

TEST(FitTemperature, HasTheLeastLossOfAll) {
  const std::vector<float> logits = {0.3f, 4, -2, 1.5f, 1, 0, 7, 5, 5.5f, -1, 0, 3, 2, 2, 2};
  const std::vector<int64_t> targets = {1, 2, 0, 2, 1};
  const double best = FitTemperature(logits, targets, 3);
  for (const double other : {0.5, 0.9, 0.99, 1.01, 1.1, 3.0})
    EXPECT_LT(Loss(logits, targets, 3, best), Loss(logits, targets, 3, best * other)) << other;
}

TEST(FitTemperature, StaysInItsRangeWhereTheDataKnowsNoBound) {
  EXPECT_NEAR(FitTemperature(std::vector<float>{0, 2, 2, 0}, std::vector<int64_t>{1, 0}, 2),
              kTemperatures.least, 1e-6);
  EXPECT_NEAR(FitTemperature(std::vector<float>{0, 2, 2, 0}, std::vector<int64_t>{0, 1}, 2),
              kTemperatures.most, 1e-3);
}

TEST(ThresholdGoal, IsOneOfThree) {
  EXPECT_EQ(ThresholdGoal::Parse("f1").kind, ThresholdGoal::Kind::kF1);
  EXPECT_EQ(ThresholdGoal::Parse("recall=0.9").kind, ThresholdGoal::Kind::kRecall);
  EXPECT_EQ(ThresholdGoal::Parse("precision=1").least, 1);
  for (const char* bad :
       {"", "f2", "f1=0.9", "precision", "precision=", "precision=0", "recall=1.1", "recall=x", "recall=nan"})
    EXPECT_THAT(test::MessageOf([&] { ThresholdGoal::Parse(bad); }),
                testing::HasSubstr("is none of f1, precision=X and recall=X"));
}

class FindThresholdTest : public testing::Test {
 protected:
  Threshold Find(const std::string& goal) const {
    return FindThreshold(scores_, targets_, ThresholdGoal::Parse(goal));
  }

  // From above: +, -, + +(equal), -, +.
  std::vector<float> scores_ = {0.5f, 0.9f, 0.2f, 0.5f, 0.3f, 0.7f};
  std::vector<uint8_t> targets_ = {1, 1, 1, 1, 0, 0};
};

TEST_F(FindThresholdTest, F1IsTheHighest) {
  const Threshold found = Find("f1");  // all six: F1 = 2 · 4 / (6 + 4); the first four: 2 · 3 / (4 + 4)
  EXPECT_DOUBLE_EQ(found.f1, 0.8);
  EXPECT_FLOAT_EQ(found.value, 0.1f);
  EXPECT_TRUE(found.is_reached);
}

TEST_F(FindThresholdTest, PrecisionAndRecallAreReachedAtTheLeastCost) {
  const Threshold precise = Find("precision=0.75");
  EXPECT_DOUBLE_EQ(precise.precision, 0.75);
  EXPECT_DOUBLE_EQ(precise.recall, 0.75);
  EXPECT_FLOAT_EQ(precise.value, 0.4f);
  const Threshold complete = Find("recall=0.6");
  EXPECT_DOUBLE_EQ(complete.recall, 0.75);
  EXPECT_FLOAT_EQ(complete.value, 0.4f);
  EXPECT_DOUBLE_EQ(Find("precision=1").recall, 0.25);
}

TEST_F(FindThresholdTest, SaysWhereNoThresholdReachesThePrecision) {
  targets_ = {0, 0, 1, 0, 0, 0};
  const Threshold found = Find("precision=0.9");
  EXPECT_FALSE(found.is_reached);
  EXPECT_DOUBLE_EQ(found.precision, 1.0 / 6);
}

}  // namespace
}  // namespace gemtune::train
