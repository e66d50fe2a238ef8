#include "gemtune/train/observers.h"

#include <gmock/gmock.h>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"

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
  EXPECT_THAT(text, HasSubstr("step 2/4  epoch 1.00  loss 0.7500  lr 1.00e-05  200 tokens/s  0:01 left\n"));
  EXPECT_THAT(text, Not(HasSubstr("step 1/4")));
  EXPECT_THAT(
      text,
      HasSubstr("epoch 1.00  train loss 0.5000  validation loss 0.2500  accuracy 0.7500  (best so far)\n"));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
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

TEST(ProgressLine, FitsTheTerminal) {
  EXPECT_EQ(ProgressLine(1, 4, "text", 80), "[#####...............] text");
  EXPECT_EQ(ProgressLine(4, 4, "text", 80), "[####################] text");
  EXPECT_EQ(ProgressLine(1, 2, "text", 18), "[#####.....] text");  // 17 of 18 columns
  EXPECT_EQ(ProgressLine(1, 2, "text", 12), "[##..] text");
  EXPECT_EQ(ProgressLine(1, 2, "text", 11), "text");  // no bar rather than one of three characters
  EXPECT_EQ(ProgressLine(1, 2, "text", 4), "tex");
  EXPECT_EQ(ProgressLine(1, 2, "text", 0), "");
}

TEST(JsonlObserver, WritesAnObjectALine) {
  const auto path = std::filesystem::path(testing::TempDir()) / "train_log.jsonl";
  {
    JsonlObserver log(path);
    log.OnStart({.total_steps = 4});
    log.OnStep(Step(1, 1.0));
    log.OnEvaluate(Evaluation());
  }
  std::istringstream lines(ReadFile(path));
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 3u);
  EXPECT_EQ(objects[0]["total_steps"], 4);
  EXPECT_EQ(objects[1]["loss"], 1.0);
  EXPECT_EQ(objects[1]["forward_seconds"], 0.125);
  EXPECT_EQ(objects[1]["backward_seconds"], 0.25);
  EXPECT_EQ(objects[2]["type"], "evaluation");
  EXPECT_EQ(objects[2]["accuracy"], 0.75);
  std::filesystem::remove(path);
}

TEST(JsonlObserver, APlaceItCannotWriteIsAnError) {
  EXPECT_THROW(JsonlObserver("/nonexistent/x.jsonl"), Error);
}

}  // namespace
}  // namespace gemtune::train
