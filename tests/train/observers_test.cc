#include "gemtune/train/observers.h"

#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "tests/support/temp_dir.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;
using testing::Not;

StepReport Step(int64_t step, double loss) {
  return {.step = step,
          .total_steps = 4,
          .epoch = static_cast<double>(step) / 2,
          .loss = loss,
          .learning_rate = 1e-5,
          .grad_norm = 2,
          .tokens = 100,
          .seconds = 0.5,
          .forward_seconds = 0.125,
          .backward_seconds = 0.25};
}

EvaluationReport Evaluation() {
  return {.step = 2,
          .epoch = 1,
          .train_loss = 0.5,
          .metrics = {{"loss", 0.25}, {"accuracy", 0.75}, {"per_class", Metrics::object()}},
          .is_best = true,
          .seconds = 1};
}

TEST(Duration, ReadsAsAClock) {
  EXPECT_EQ(Duration(7), "0:07");
  EXPECT_EQ(Duration(187.4), "3:07");
  EXPECT_EQ(Duration(3765), "1:02:45");
}

TEST(ConsoleObserver, WritesLinesWhereThereIsNoTerminal) {
  testing::internal::CaptureStderr();
  ConsoleObserver console(/*is_terminal=*/false, /*logging_steps=*/2);
  console.OnStart(
      {.total_steps = 4, .train_examples = 8, .train_tokens = 200, .trained_parameters = 1'500'000});
  console.OnStep(Step(1, 1.0));
  console.OnStep(Step(2, 0.5));
  console.OnEvaluate(Evaluation());
  console.OnEnd();
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("training 1.5 M parameters on 8 examples (200 tokens) in 4 steps\n"));
  EXPECT_THAT(text, HasSubstr("step 2/4  epoch 1.00  loss 0.7500  lr 1.00e-05  200 tokens/s  0:01 left"));
  EXPECT_THAT(text, Not(HasSubstr("step 1/4")));
  EXPECT_THAT(
      text,
      HasSubstr("epoch 1.00  train loss 0.5000  validation loss 0.2500  accuracy 0.7500  (best so far)\n"));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
}

TEST(ConsoleObserver, ALongRunsLinesFit80Columns) {
  testing::internal::CaptureStderr();
  ConsoleObserver console(/*is_terminal=*/false, /*logging_steps=*/1);
  StepReport step = Step(1'250'000, 0.5);
  step.total_steps = 12'500'000;
  step.tokens = 1'000'000;
  console.OnStep(step);
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_LE(text.size(), 81u);
  EXPECT_THAT(text, HasSubstr("step 1250000/12500000  "));
  EXPECT_THAT(text, HasSubstr(" left\n"));
}

TEST(ConsoleObserver, CountsFewParametersOneByOne) {
  testing::internal::CaptureStderr();
  ConsoleObserver(/*is_terminal=*/false, /*logging_steps=*/1).OnStart({.trained_parameters = 1280});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("training 1280 parameters on"));
}

TEST(ConsoleObserver, RedrawsABarOnATerminal) {
  testing::internal::CaptureStderr();
  ConsoleObserver console(/*is_terminal=*/true, /*logging_steps=*/10);
  console.OnStep(Step(1, 1.0));
  console.OnEvaluate(Evaluation());
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("\r\x1b[K[#"));
  EXPECT_THAT(text, HasSubstr("\r\x1b[Kepoch 1.00"));
}

TEST(ConsoleObserver, SaysOfSkippedStepsAndCheckpoints) {
  testing::internal::CaptureStderr();
  ConsoleObserver console(/*is_terminal=*/false, /*logging_steps=*/2);
  StepReport skipped = Step(1, std::nan(""));
  skipped.is_skipped = true;
  console.OnStep(skipped);
  console.OnStep(Step(2, 0.5));
  console.OnSaved({.step = 2, .path = "out/checkpoint-2", .bytes = 1'500'000, .seconds = 0.25});
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("warning: step 1 is skipped: its loss is nan and its gradient's norm 2\n"));
  EXPECT_THAT(text, HasSubstr("loss 0.5000"));  // the mean of what was taken
  EXPECT_THAT(text, HasSubstr("saved out/checkpoint-2 (1.5 MB in 0.2 s)\n"));
}

TEST(ConsoleObserver, ReckonsTheTimeLeftFromTheStepsOfThisProcess) {
  testing::internal::CaptureStderr();
  ConsoleObserver console(/*is_terminal=*/false, /*logging_steps=*/1);
  console.OnStart({.total_steps = 4, .done_steps = 2});
  console.OnStep(Step(3, 1.0));
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("resuming after step 2\n"));
  EXPECT_THAT(text, HasSubstr("0:01 left"));  // half a second each
}

class JsonlObserverTest : public test::TempDir {
 protected:
  std::vector<nlohmann::json> Objects() const {
    std::istringstream lines(ReadFile(dir_ / "train_log.jsonl"));
    std::vector<nlohmann::json> objects;
    for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
    return objects;
  }
};

TEST_F(JsonlObserverTest, WritesAnObjectALine) {
  JsonlObserver log(dir_);
  log.OnStart({.total_steps = 4});
  log.OnStep(Step(1, 1.0));
  log.OnEvaluate(Evaluation());
  StepReport skipped = Step(2, std::nan(""));
  skipped.is_skipped = true;
  log.OnStep(skipped);
  const auto objects = Objects();
  ASSERT_EQ(objects.size(), 4u);
  EXPECT_EQ(objects[0]["total_steps"], 4);
  EXPECT_EQ(objects[1]["loss"], 1.0);
  EXPECT_EQ(objects[1]["forward_seconds"], 0.125);
  EXPECT_EQ(objects[1]["backward_seconds"], 0.25);
  EXPECT_FALSE(objects[1].contains("skipped"));
  EXPECT_EQ(objects[2]["type"], "evaluation");
  EXPECT_EQ(objects[2]["accuracy"], 0.75);
  EXPECT_EQ(objects[3]["skipped"], true);
  EXPECT_TRUE(objects[3]["loss"].is_null());
}

TEST_F(JsonlObserverTest, GoesOnFromACheckpointsCopy) {
  std::filesystem::create_directory(dir_ / "checkpoint-1");
  {
    JsonlObserver log(dir_);
    log.OnStart({.total_steps = 4});
    log.OnStep(Step(1, 1.0));
    log.OnSave(dir_ / "checkpoint-1");
    log.OnStep(Step(2, 0.5));  // is cut away
  }
  JsonlObserver log(dir_, dir_ / "checkpoint-1");
  log.OnStart({.total_steps = 4, .done_steps = 1});
  log.OnStep(Step(2, 0.25));
  const auto objects = Objects();
  ASSERT_EQ(objects.size(), 3u);
  EXPECT_EQ(objects[1]["step"], 1);
  EXPECT_EQ(objects[2]["loss"], 0.25);
}

TEST(JsonlObserver, APlaceItCannotWriteIsAnError) {
  EXPECT_THROW(JsonlObserver("/nonexistent"), Error);
}

}  // namespace
}  // namespace gemtune::train
