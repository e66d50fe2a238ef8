#include "gemtune/train/run/duration.h"

#include <gtest/gtest.h>

#include "tests/data/make_dataset.h"
#include "tests/train/quadratic.h"

namespace gemtune::train {
namespace {

// A hundred tokens took a second forwards and two besides.
constexpr StepTimes kTimes = {.tokens = 100, .forward_seconds = 1, .other_seconds = 2};

TEST(EstimateDuration, IsInProportionToTokens) {
  const data::Dataset train = data::MakeDataset({100, 100}), validation = data::MakeDataset({50}),
                      test = data::MakeDataset({10});
  const RunDuration duration = EstimateDuration(kTimes, {.tokens = 1000, .evaluations = 2}, /*kept_stages=*/0,
                                                /*num_layers=*/4, {&train, &validation, &test});
  EXPECT_DOUBLE_EQ(duration.frozen_layers, 0);
  EXPECT_DOUBLE_EQ(duration.training, 30);
  EXPECT_DOUBLE_EQ(duration.evaluation, 2 * 0.5 + 0.1);
  EXPECT_DOUBLE_EQ(duration.total(), 31.1);
}

TEST(EstimateDuration, KeptLayersAreComputedOnce) {
  const data::Dataset train = data::MakeDataset({100, 100}), validation = data::MakeDataset({50}),
                      test = data::MakeDataset({10});
  const data::DataSplits data = {&train, &validation, &test};
  // The embedding and two of four layers.
  const RunDuration half = EstimateDuration(kTimes, {.tokens = 1000, .evaluations = 2}, 3, 4, data);
  EXPECT_DOUBLE_EQ(half.frozen_layers, 0.005 * 250);
  EXPECT_DOUBLE_EQ(half.training, 25);
  EXPECT_DOUBLE_EQ(half.evaluation, 2 * 0.25 + 0.1);
  // All, and the final norm.
  const RunDuration all = EstimateDuration(kTimes, {.tokens = 1000, .evaluations = 2}, 6, 4, data);
  EXPECT_DOUBLE_EQ(all.frozen_layers, 0.01 * 250);
  EXPECT_DOUBLE_EQ(all.training, 20);
  EXPECT_DOUBLE_EQ(all.evaluation, 0.1);
}

TEST(TimeSteps, TakesThreeStepsAfterOneToWarmUpAndMovesNothing) {
  test::Quadratic task;
  const StepTimes times =
      TimeSteps(task, test::Numbers({1, 2, 3, 4, 5, 6, 7, 8}), {.batch_size = 2, .num_train_epochs = 1});
  EXPECT_EQ(task.batch_sizes, (std::vector<int64_t>{2, 2, 2, 2}));
  EXPECT_EQ(times.tokens, 6);
  EXPECT_GT(times.forward_seconds, 0);
  EXPECT_GT(times.other_seconds, 0);
  EXPECT_EQ(task.w(), 0);
}

}  // namespace
}  // namespace gemtune::train
