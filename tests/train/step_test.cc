#include "gemtune/train/step.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/train/quadratic.h"

namespace gemtune::train {
namespace {

class StepTest : public testing::Test {
 protected:
  StepReport Take(const Window& window, const StepOptions& options) {
    return TakeStep(task_, optimizer_, data_, window, options);
  }

  test::Quadratic task_;
  AdamW optimizer_{task_.module(), {}};
  data::Dataset data_ = test::Numbers({3, 5, 7, 9});
};

// w = 0, so the loss of an example is its label's square, the gradient −2 · label, and AdamW's first step
// the learning rate in the gradient's direction.
TEST_F(StepTest, ReportsLossGradientAndTokensOfTheWholeWindow) {
  const StepReport report = Take({{0, 1}, {2}}, {.step = 4, .learning_rate = 0.25});
  EXPECT_EQ(report.step, 4);
  EXPECT_EQ(report.tokens, 3);
  EXPECT_FLOAT_EQ(report.loss, (9.0f + 25 + 49) / 3);
  EXPECT_FLOAT_EQ(report.grad_norm, 2.0f * (3 + 5 + 7) / 3);
  EXPECT_EQ(report.learning_rate, 0.25);
  EXPECT_NEAR(task_.w(), 0.25, 1e-6);
  EXPECT_EQ(task_.batch_sizes, (std::vector<int64_t>{2, 1}));
}

TEST_F(StepTest, LeavesNoGradientBehind) {
  Take({{0}}, {.learning_rate = 0});
  EXPECT_FLOAT_EQ(Take({{0}}, {.learning_rate = 0}).grad_norm, 6.0f);
}

TEST_F(StepTest, ThePartsMakeTheStep) {
  const StepReport report = Take({{0, 1}, {2, 3}}, {.learning_rate = 0.1});
  const double parts =
      report.data_seconds + report.forward_seconds + report.backward_seconds + report.optimizer_seconds;
  for (const double part :
       {report.data_seconds, report.forward_seconds, report.backward_seconds, report.optimizer_seconds}) {
    EXPECT_GT(part, 0);
  }
  EXPECT_LE(parts, report.seconds);
}

TEST_F(StepTest, AStepOfWeightlessExamplesTeachesNothingAndIsNoFault) {
  task_.target_weight = 0;
  const StepReport report = Take({{0, 1}}, {.learning_rate = 0});
  EXPECT_FALSE(report.is_skipped);
  EXPECT_TRUE(std::isfinite(report.loss));
}

TEST_F(StepTest, AStepThatIsNotFiniteIsSkippedAndLeavesNothingBehind) {
  const at::Tensor exp_avg = optimizer_.State().at(1).tensor;
  for (const float bad : {std::nanf(""), 1e30f}) {  // a loss of NaN; of infinity, in fp32
    data_ = test::Numbers({1, bad});
    const StepReport report = Take({{0, 1}}, {.step = 3, .learning_rate = 1});
    EXPECT_TRUE(report.is_skipped);
    EXPECT_FALSE(std::isfinite(report.loss));
    EXPECT_EQ(task_.w(), 0);
    EXPECT_EQ(exp_avg.item<float>(), 0);
    EXPECT_EQ(optimizer_.State().at(0).tensor.item<int64_t>(), 0);
  }
  data_ = test::Numbers({3});
  const StepReport good = Take({{0}}, {.learning_rate = 0.25});
  EXPECT_FALSE(good.is_skipped);
  EXPECT_FLOAT_EQ(good.grad_norm, 6.0f);
  EXPECT_NEAR(task_.w(), 0.25, 1e-6);  // AdamW's first step
}

}  // namespace
}  // namespace gemtune::train
