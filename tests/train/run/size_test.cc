#include "gemtune/train/run/size.h"

#include <gtest/gtest.h>

#include "gemtune/base/error.h"
#include "tests/data/make_dataset.h"

namespace gemtune::train {
namespace {

// By length in batches of two: 8 + 5 tokens, which come first, and 3 + 2.
const data::Dataset& Rows() {
  static const data::Dataset rows = data::MakeDataset({5, 3, 8, 2});
  return rows;
}

// An example has as many rows as half its tokens.
RunSize Size(const TrainerOptions& options) {
  return SizeOfRun(Rows(), options, [](const data::Dataset& rows, int64_t i) { return rows.length(i) / 2; });
}

TEST(SizeOfRun, CountsStepsTokensAndTheLargestPass) {
  const RunSize size = Size({.batch_size = 2, .num_train_epochs = 3});
  EXPECT_EQ(size.steps_per_epoch, 2);
  EXPECT_EQ(size.steps, 6);
  EXPECT_EQ(size.tokens, 3 * 18);
  EXPECT_EQ(size.pass_tokens, 13);
  EXPECT_EQ(size.pass_sequences, 2);
  EXPECT_EQ(size.pass_rows, 4 + 2);
  EXPECT_EQ(size.passes_a_step, 1);
  EXPECT_EQ(size.distinct_tokens, 4);
  EXPECT_EQ(size.evaluations, 3);
}

TEST(SizeOfRun, WhatIsNotReachedDoesNotCount) {
  const RunSize size = Size({.batch_size = 2, .max_steps = 1});
  EXPECT_EQ(size.steps, 1);
  EXPECT_EQ(size.tokens, 13);
  EXPECT_EQ(size.distinct_tokens, 2);
  EXPECT_EQ(size.evaluations, 1);
}

TEST(SizeOfRun, ManyEpochsAreAsTheFirstTen) {
  EXPECT_EQ(Size({.batch_size = 2, .num_train_epochs = 30}).tokens, 30 * 18);
}

TEST(SizeOfRun, CutBatchesAndAccumulationMakeMorePasses) {
  const RunSize cut = Size({.batch_size = 2, .max_tokens_per_batch = 8, .max_steps = 2});
  EXPECT_EQ(cut.pass_tokens, 8);
  EXPECT_EQ(cut.pass_sequences, 1);
  EXPECT_EQ(cut.passes_a_step, 2);
  const RunSize window = Size({.batch_size = 2, .gradient_accumulation_steps = 2, .num_train_epochs = 1});
  EXPECT_EQ(window.steps, 1);
  EXPECT_EQ(window.passes_a_step, 2);
  EXPECT_EQ(window.pass_tokens, 13);
}

TEST(SizeOfRun, EvaluationsComeEverySoManyStepsAndAtTheEnd) {
  TrainerOptions options{
      .batch_size = 2, .num_train_epochs = 3, .eval_strategy = IntervalStrategy::kSteps, .eval_steps = 4};
  EXPECT_EQ(Size(options).evaluations, 2);
  options.eval_steps = 3;
  EXPECT_EQ(Size(options).evaluations, 2);
  options.eval_strategy = IntervalStrategy::kNo;
  EXPECT_EQ(Size(options).evaluations, 0);
}

}  // namespace
}  // namespace gemtune::train
