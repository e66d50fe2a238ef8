#include "gemtune/train/trainer.h"

#include <gmock/gmock.h>

#include <fstream>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/train/checkpoint.h"
#include "tests/support/gradcheck.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/train/quadratic.h"

namespace gemtune::train {
namespace {

using test::Numbers;
using test::Quadratic;
using testing::HasSubstr;

class Recorder : public Observer {
 public:
  void OnStart(const RunReport& report) override { start = report; }
  void OnStep(const StepReport& report) override { steps.push_back(report); }
  void OnEvaluate(const EvaluationReport& report) override { evaluations.push_back(report); }
  void OnSaved(const CheckpointReport& report) override { saves.push_back(report.step); }
  RunReport start;
  std::vector<StepReport> steps;
  std::vector<EvaluationReport> evaluations;
  std::vector<int64_t> saves;
};

class TrainerTest : public test::TempDir {
 protected:
  TrainerState Run(const TrainerOptions& options, bool validate = false) {
    Trainer trainer(task_, data_, validate ? &data_ : nullptr, options, dir_, {&recorder_});
    return trainer.Run();
  }

  Quadratic task_;
  data::Dataset data_ = Numbers({1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  Recorder recorder_;
};

TEST_F(TrainerTest, AnEpochSeesEveryExampleAndCountsSteps) {
  const TrainerState result = Run({.batch_size = 4, .num_train_epochs = 2});
  EXPECT_EQ(result.steps, 6);
  EXPECT_EQ(result.tokens, 20);
  EXPECT_EQ(recorder_.start.steps_per_epoch, 3);
  EXPECT_EQ(recorder_.start.total_steps, 6);
  EXPECT_EQ(recorder_.start.train_examples, 10);
  EXPECT_EQ(recorder_.start.trained_parameters, 1);
  EXPECT_EQ(std::accumulate(task_.batch_sizes.begin(), task_.batch_sizes.end(), int64_t{0}), 20);
  EXPECT_DOUBLE_EQ(recorder_.steps.back().epoch, 2.0);
}

TEST_F(TrainerTest, MaxStepsOverridesEpochsAndFractionsOfEpochsWork) {
  EXPECT_EQ(Run({.batch_size = 4, .max_steps = 5}).steps, 5);
  EXPECT_EQ(Run({.batch_size = 4, .num_train_epochs = 0.5}).steps, 2);
}

TEST_F(TrainerTest, AccumulationGivesTheStepOfTheLargeBatch) {
  const TrainerOptions once{.batch_size = 10, .max_steps = 1, .learning_rate = 0.5, .max_grad_norm = 0};
  Run(once);
  const double large = task_.w();
  Quadratic second;
  TrainerOptions parts = once;
  parts.batch_size = 4;  // 4 + 4 + 2: the last is short, and counts as what it is
  parts.gradient_accumulation_steps = 3;
  Recorder recorder;
  Trainer(second, data_, nullptr, parts, dir_, {&recorder}).Run();
  EXPECT_EQ(second.batch_sizes.size(), 3u);
  EXPECT_FLOAT_EQ(recorder.steps[0].loss, 38.5f);       // mean of 1², ..., 10²
  EXPECT_FLOAT_EQ(recorder.steps[0].grad_norm, 11.0f);  // 2 · mean
  EXPECT_FLOAT_EQ(recorder_.steps[0].grad_norm, 11.0f);
  EXPECT_FLOAT_EQ(second.w(), large);
}

TEST_F(TrainerTest, ABatchOfTooManyTokensIsTheSameStepInParts) {
  Quadratic whole;
  TrainerOptions options{.batch_size = 5, .num_train_epochs = 1, .learning_rate = 0.5, .max_grad_norm = 0};
  Recorder recorder;
  Trainer(whole, data_, nullptr, options, dir_, {&recorder}).Run();
  options.max_tokens_per_batch = 2;  // an example is one token: 2 + 2 + 1
  Run(options);
  EXPECT_THAT(task_.batch_sizes, testing::ElementsAre(2, 2, 1, 2, 2, 1));
  ASSERT_EQ(recorder_.steps.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_FLOAT_EQ(recorder_.steps[i].loss, recorder.steps[i].loss);
    EXPECT_EQ(recorder_.steps[i].tokens, 5);
  }
  EXPECT_FLOAT_EQ(task_.w(), whole.w());
}

TEST_F(TrainerTest, AShortLastWindowDividesByItsOwnTargets) {
  data_ = Numbers({3, 3, 3, 3, 3});
  Run({.batch_size = 2, .gradient_accumulation_steps = 2, .num_train_epochs = 1, .learning_rate = 0});
  ASSERT_EQ(recorder_.steps.size(), 2u);  // 2 + 2, then 1 alone
  EXPECT_FLOAT_EQ(recorder_.steps[0].loss, 9.0f);
  EXPECT_FLOAT_EQ(recorder_.steps[1].loss, 9.0f);
}

TEST_F(TrainerTest, TheLearningRateRisesThenFalls) {
  Run({.batch_size = 1, .num_train_epochs = 1, .learning_rate = 0.1, .warmup_ratio = 0.2});
  std::vector<double> rates;
  for (const StepReport& step : recorder_.steps) rates.push_back(step.learning_rate);
  EXPECT_THAT(rates, testing::Pointwise(testing::DoubleNear(1e-12), {0.05, 0.1, 0.1, 0.0875, 0.075, 0.0625,
                                                                     0.05, 0.0375, 0.025, 0.0125}));
}

TEST_F(TrainerTest, ClippingScalesTheGradientDown) {
  // AdamW's step does not depend on the gradient's length, but ε does not scale with it: at ε = 1 the step is
  // g / (g + 1).
  TrainerOptions options{
      .batch_size = 10, .max_steps = 1, .learning_rate = 1, .warmup_ratio = 0, .max_grad_norm = 0.5};
  options.adamw.epsilon = 1.0;
  Run(options);
  EXPECT_FLOAT_EQ(recorder_.steps[0].grad_norm, 11.0f);
  EXPECT_NEAR(task_.w(), 0.5 / 1.5, 1e-5);
}

TEST_F(TrainerTest, ValidatesEachEpochOrEverySoManySteps) {
  Run({.batch_size = 5, .num_train_epochs = 3}, /*validate=*/true);
  EXPECT_EQ(task_.evaluations, 3u);
  EXPECT_EQ(recorder_.evaluations[0].step, 2);
  EXPECT_GT(recorder_.evaluations[0].train_loss, 0);
  task_.evaluations = 0;
  Run({.batch_size = 5, .num_train_epochs = 3.5, .eval_strategy = IntervalStrategy::kSteps, .eval_steps = 4},
      true);
  EXPECT_EQ(task_.evaluations, 2u);  // at step 4 and at the end, step 7
  task_.evaluations = 0;
  Run({.batch_size = 5, .num_train_epochs = 1, .eval_strategy = IntervalStrategy::kNo}, true);
  EXPECT_EQ(task_.evaluations, 0u);
}

TEST_F(TrainerTest, ValidatesBeforeTheFirstStepWithoutTakingItForTheBest) {
  task_.validation_losses = {0.1, 0.5, 0.4};
  const TrainerState result = Run({.batch_size = 10, .num_train_epochs = 2, .eval_on_start = true}, true);
  ASSERT_EQ(recorder_.evaluations.size(), 3u);
  EXPECT_EQ(recorder_.evaluations[0].step, 0);
  EXPECT_FALSE(recorder_.evaluations[0].is_best);
  EXPECT_FALSE(recorder_.evaluations[0].train_loss.has_value());
  EXPECT_EQ(result.best_step, 2);
  EXPECT_EQ(result.log_history[0]["step"], 0);
  EXPECT_EQ(result.log_history[0]["eval_loss"], 0.1);
}

TEST_F(TrainerTest, EndsEarlyWherePatienceEnds) {
  const auto steps = [&](std::vector<double> losses, int64_t patience, double threshold) {
    task_.validation_losses = std::move(losses);
    task_.evaluations = 0;
    return Run({.batch_size = 10,
                .num_train_epochs = 6,
                .early_stopping_patience = patience,
                .early_stopping_threshold = threshold},
               true);
  };
  EXPECT_EQ(steps({0.5, 0.6, 0.7, 0.4, 0.4, 0.3}, 0, 0).steps, 6);
  EXPECT_EQ(steps({0.5, 0.6, 0.7, 0.4, 0.4, 0.3}, 2, 0).steps, 3);
  EXPECT_EQ(steps({0.5, 0.6, 0.4, 0.4, 0.3, 0.2}, 2, 0).steps, 6);  // begins to count anew at each gain
  // A gain below the threshold is the best model, but does not count.
  const TrainerState small_gains = steps({0.5, 0.45, 0.41, 0.38, 0.1, 0.1}, 3, 0.1);
  EXPECT_EQ(small_gains.steps, 4);
  EXPECT_EQ(small_gains.best_step, 4);
}

TEST_F(TrainerTest, ACheckpointKnowsHowMuchPatienceIsLeft) {
  task_.validation_losses = {0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
  const TrainerOptions options{.batch_size = 10,
                               .num_train_epochs = 6,
                               .early_stopping_patience = 3,
                               .save_strategy = IntervalStrategy::kEpoch};
  Trainer first(task_, data_, &data_, options, dir_, {});
  ASSERT_TRUE(first.Run([calls = 0]() mutable { return calls++ == 3; }).is_stopped);
  Trainer second(task_, data_, &data_, options, dir_, {});
  second.Resume(dir_ / "checkpoint-3");
  EXPECT_EQ(second.Run().steps, 4);
}

TEST_F(TrainerTest, LogsItsHistoryAsTransformersDoes) {
  task_.validation_losses = {0.5, 0.4};
  const TrainerState result =
      Run({.batch_size = 2, .num_train_epochs = 2, .learning_rate = 0.1, .logging_steps = 4}, true);
  std::vector<std::string> keys;
  for (const auto& entry : result.log_history) {
    keys.emplace_back();
    for (const auto& [name, unused] : entry.items()) keys.back() += name + " ";
  }
  const std::string
      step = "epoch step loss grad_norm learning_rate ",
      evaluation = "epoch step eval_loss eval_accuracy eval_runtime eval_samples_per_second ",
      end = "epoch step train_loss train_runtime train_samples_per_second train_steps_per_second ";
  EXPECT_THAT(keys, testing::ElementsAre(step, evaluation, step, evaluation, end));
  double loss = 0;
  for (size_t i = 0; i < 4; ++i) loss += recorder_.steps[i].loss / 4;
  EXPECT_DOUBLE_EQ(result.log_history[0]["loss"], loss);
  EXPECT_EQ(result.log_history[0]["step"], 4);
  EXPECT_DOUBLE_EQ(result.log_history[0]["epoch"], 0.8);
  EXPECT_EQ(result.log_history[0]["learning_rate"], recorder_.steps[3].learning_rate);
  const auto file = nlohmann::ordered_json::parse(ReadFile(dir_ / "trainer_state.json"));
  EXPECT_EQ(file["log_history"], result.log_history);
  EXPECT_EQ(file["global_step"], 10);
  EXPECT_EQ(file["best_metric"], 0.4);
}

TEST_F(TrainerTest, KeepsTheBestModelAndGoesBackToIt) {
  task_.validation_losses = {0.5, 0.3, 0.4};
  const TrainerState result = Run({.batch_size = 10, .num_train_epochs = 3, .learning_rate = 0.1}, true);
  EXPECT_EQ(result.best_step, 2);
  EXPECT_EQ(result.best_metrics["loss"], 0.3);
  EXPECT_EQ(task_.saved.size(), 2u);
  EXPECT_TRUE(task_.restored);
  EXPECT_FALSE(recorder_.evaluations[2].is_best);
}

TEST_F(TrainerTest, KeepsTheLastModelIfThatIsTheBestOrIfAskedTo) {
  task_.validation_losses = {0.5, 0.3};
  Run({.batch_size = 10, .num_train_epochs = 2}, true);
  EXPECT_FALSE(task_.restored);
  task_.saved.clear();
  task_.evaluations = 0;
  task_.validation_losses = {0.3, 0.5};
  Run({.batch_size = 10, .num_train_epochs = 2, .load_best_model_at_end = false}, true);
  EXPECT_EQ(task_.saved, std::vector<double>{task_.w()});
}

TEST_F(TrainerTest, BestMayMeanAMetricThatRises) {
  task_.validation_losses = {0.3, 0.5, 0.4};
  const TrainerState result = Run(
      {.batch_size = 10, .num_train_epochs = 3, .metric_for_best_model = "loss", .greater_is_better = true},
      true);
  EXPECT_EQ(result.best_step, 2);
  task_.evaluations = 0;
  EXPECT_THAT(test::MessageOf([&] { Run({.metric_for_best_model = "f3"}, true); }),
              HasSubstr("'f3' is not a metric"));
}

TEST_F(TrainerTest, AnythingIsBetterThanAMetricThatIsNoNumber) {
  task_.validation_losses = {std::nan(""), 0.5, std::nan("")};
  EXPECT_EQ(Run({.batch_size = 10, .num_train_epochs = 3}, true).best_step, 2);
}

TEST_F(TrainerTest, WithoutValidationTheLastModelIsSaved) {
  Run({.batch_size = 10, .num_train_epochs = 2});
  EXPECT_EQ(task_.saved, std::vector<double>{task_.w()});
}

// Two of six steps hold a loss of infinity.
TEST_F(TrainerTest, StepsThatAreNotFiniteAreSkippedAndCounted) {
  data_ = Numbers({1e30f, 2, 2});
  const TrainerState state = Run({.batch_size = 1, .num_train_epochs = 2, .learning_rate = 0}, true);
  EXPECT_EQ(state.steps, 6);
  EXPECT_EQ(state.skipped_steps, 2);
  EXPECT_EQ(state.train_loss, 4.0);  // (0 − 2)², of the others alone
  EXPECT_EQ(recorder_.evaluations[0].train_loss, 4.0);
  int64_t skipped = 0;
  for (const StepReport& step : recorder_.steps) skipped += step.is_skipped;
  EXPECT_EQ(skipped, 2);
}

TEST_F(TrainerTest, TooManyOfThemInARowEndTheRunAtItsLastGoodState) {
  data_ = Numbers({1e30f});
  try {
    Run({.batch_size = 1, .num_train_epochs = 9, .save_strategy = IntervalStrategy::kNo, .max_bad_steps = 4});
    FAIL() << "the run went on";
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), HasSubstr("not finite in 4 steps in a row"));
    EXPECT_THAT(error.what(), HasSubstr(CheckpointPath(dir_, 4).string()));
  }
  EXPECT_EQ(task_.saved, std::vector<double>{0});
  EXPECT_THAT(CheckpointSteps(dir_), testing::ElementsAre(4));
}

TEST_F(TrainerTest, SavesByStepsOrEpochsAndKeepsTheLast) {
  TrainerOptions options{.batch_size = 4, .num_train_epochs = 3};  // 3 steps an epoch
  options.save_steps = 2;
  Run(options);
  EXPECT_THAT(recorder_.saves, testing::ElementsAre(2, 4, 6, 8));
  EXPECT_THAT(CheckpointSteps(dir_), testing::ElementsAre(8));
  recorder_.saves.clear();
  options.save_strategy = IntervalStrategy::kEpoch;
  options.save_total_limit = 2;
  Run(options);
  EXPECT_THAT(recorder_.saves, testing::ElementsAre(3, 6, 9));
  EXPECT_THAT(CheckpointSteps(dir_), testing::ElementsAre(8, 9));
}

TEST_F(TrainerTest, KeepsTheCheckpointOfTheBestModelBesides) {
  task_.validation_losses = {0.5, 0.3, 0.4, 0.6};
  TrainerOptions options{.batch_size = 10, .num_train_epochs = 4};
  options.save_strategy = IntervalStrategy::kEpoch;
  Run(options, /*validate=*/true);
  EXPECT_THAT(CheckpointSteps(dir_), testing::ElementsAre(2, 4));
}

TEST_F(TrainerTest, AskedToStopItSavesAfterTheStepAndBeforeTheEvaluation) {
  TrainerOptions options{.batch_size = 10, .num_train_epochs = 4, .save_strategy = IntervalStrategy::kNo};
  Trainer trainer(task_, data_, &data_, options, dir_, {&recorder_});
  const TrainerState state = trainer.Run([&] { return recorder_.steps.size() == 2; });
  EXPECT_TRUE(state.is_stopped);
  EXPECT_EQ(state.steps, 2);
  EXPECT_EQ(recorder_.evaluations.size(), 1u);
  EXPECT_THAT(recorder_.saves, testing::ElementsAre(2));

  Quadratic again;
  Recorder recorder;
  Trainer resumed(again, data_, &data_, options, dir_, {&recorder});
  resumed.Resume(CheckpointPath(dir_, 2));
  EXPECT_TRUE(again.restored);
  EXPECT_EQ(resumed.Run().steps, 4);
  EXPECT_EQ(recorder.start.done_steps, 2);
  ASSERT_EQ(recorder.evaluations.size(), 3u);
  EXPECT_EQ(recorder.evaluations[0].step, 2);
  EXPECT_EQ(recorder.steps.front().step, 3);
}

TEST_F(TrainerTest, AnEvaluationThatIsBrokenOffIsDoneByTheRunThatGoesOn) {
  class BreaksOff : public Quadratic {
   public:
    Metrics Evaluate(const data::Dataset& dataset) override {
      if (evaluations == 1) throw StopEvaluation{};
      return Quadratic::Evaluate(dataset);
    }
  } task;
  const TrainerOptions options{
      .batch_size = 10, .num_train_epochs = 3, .save_strategy = IntervalStrategy::kNo};
  const TrainerState state = Trainer(task, data_, &data_, options, dir_, {}).Run();
  EXPECT_TRUE(state.is_stopped);
  EXPECT_EQ(state.steps, 2);
  Trainer resumed(task_, data_, &data_, options, dir_, {&recorder_});
  resumed.Resume(CheckpointPath(dir_, 2));
  EXPECT_FALSE(resumed.Run().is_stopped);
  ASSERT_EQ(recorder_.evaluations.size(), 2u);
  EXPECT_EQ(recorder_.evaluations[0].step, 2);
}

TEST_F(TrainerTest, ACheckpointThatCannotBeWrittenLeavesTheOthersAlone) {
  TrainerOptions options{.batch_size = 10, .num_train_epochs = 4};
  options.save_steps = 1;
  class FailsLate : public Quadratic {
   public:
    void Save(const std::filesystem::path& directory) override {
      Quadratic::Save(directory);
      std::ofstream(directory / "half") << "half";
      if (saved.size() == 3) throw RunError("disk full");
    }
  } task;
  EXPECT_THROW(Trainer(task, data_, nullptr, options, dir_, {}).Run(), RunError);
  EXPECT_THAT(CheckpointSteps(dir_), testing::ElementsAre(2));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

TEST_F(TrainerTest, TheSameSeedGivesTheSameRunBitForBit) {
  std::vector<double> weights;
  for (int run = 0; run < 2; ++run) {
    Quadratic task;
    Trainer(task, data_, nullptr, {.batch_size = 3, .num_train_epochs = 2, .learning_rate = 0.3, .seed = 5},
            dir_, {})
        .Run();
    weights.push_back(task.w());
  }
  EXPECT_EQ(weights[0], weights[1]);
}

}  // namespace
}  // namespace gemtune::train
