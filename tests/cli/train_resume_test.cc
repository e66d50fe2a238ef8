// gemtune train with what becomes of a run that does not go straight to its end.
#include <gmock/gmock.h>

#include "tests/cli/train_command.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using testing::HasSubstr;
using testing::Not;

TEST_F(TrainCommand, ARunGoesOnFromItsCheckpoint) {
  const std::vector<std::string> data = {"--train-file", data_,         "--validation-file",
                                         data_,          "--max-steps", "9"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), data.begin(), data.end());
    return RunProgram(Arguments(std::move(more)));
  };
  const auto first = with({"--save-steps", "4", "--resume-from-checkpoint"});
  ASSERT_EQ(first.exit_code, kDone) << first.err;
  EXPECT_THAT(first.err, HasSubstr("no checkpoint yet, beginning from the start"));
  EXPECT_THAT(first.err, HasSubstr("saved " + (dir_ / "out" / "checkpoint-8").string()));
  const std::string model = ReadFile(dir_ / "out" / "model.safetensors");
  EXPECT_THAT(ReadFile(dir_ / "out" / "run.toml"), Not(HasSubstr("resume-from-checkpoint")));

  const auto evaluate = RunProgram({"evaluate", "--model", (dir_ / "out" / "checkpoint-8").string(),
                                    "--test-file", data_, "--no-cache", "--dtype", "fp32"});
  EXPECT_EQ(evaluate.exit_code, kDone) << evaluate.err;

  std::vector<std::string> plain = Arguments(data);
  std::erase(plain, "--overwrite-output-dir");
  const auto again = RunProgram(plain);
  EXPECT_EQ(again.exit_code, kBadInput);
  EXPECT_THAT(again.err, HasSubstr("holds another run's results (checkpoint-8)"));
  EXPECT_THAT(again.err, Not(HasSubstr("training examples")));  // before any work

  const auto both = with({"--resume-from-checkpoint", "--overwrite-output-dir"});
  EXPECT_EQ(both.exit_code, kBadInput);
  EXPECT_THAT(both.err, HasSubstr("exclude each other"));

  const auto other_options = with({"--resume-from-checkpoint", "--learning-rate", "1e-3"});
  EXPECT_EQ(other_options.exit_code, kBadInput);
  EXPECT_THAT(other_options.err, HasSubstr("--learning-rate was 1e-05 and is 0.001"));
  EXPECT_THAT(other_options.err, Not(HasSubstr("training examples")));

  test::WriteText(dir_ / "data.jsonl", test::GoodAndBad() + "{\"text\": \"gg\", \"label\": \"good\"}\n");
  const auto other_data = with({"--resume-from-checkpoint"});
  EXPECT_EQ(other_data.exit_code, kBadInput);
  EXPECT_THAT(other_data.err, HasSubstr("training data was "));
  test::WriteText(dir_ / "data.jsonl", test::GoodAndBad());

  // What changes no number may be another; the last step is taken again.
  const auto resumed = with({"--resume-from-checkpoint", (dir_ / "out" / "checkpoint-8").string(),
                             "--save-steps", "3", "--logging-steps", "1"});
  ASSERT_EQ(resumed.exit_code, kDone) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming after step 8"));
  EXPECT_TRUE(ReadFile(dir_ / "out" / "model.safetensors") == model);
  EXPECT_EQ(StepLosses(dir_ / "out").size(), 9u);

  const auto over = with({"--overwrite-output-dir", "--save-strategy", "no"});
  ASSERT_EQ(over.exit_code, kDone) << over.err;
  EXPECT_FALSE(fs::exists(dir_ / "out" / "checkpoint-8"));
}

// As if it had been killed: of the first epoch there may be a model that another run must not replace.
TEST_F(TrainCommand, ARunWithoutACheckpointBeginsAgainAsTheSameRunOnly) {
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--train-file", data_, "--max-steps", "2", "--save-strategy", "no"});
    return RunProgram(Arguments(std::move(more)));
  };
  ASSERT_EQ(with({}).exit_code, kDone);
  fs::remove(dir_ / "out" / "all_results.json");
  const std::string model = ReadFile(dir_ / "out" / "model.safetensors");
  const auto other = with({"--resume-from-checkpoint", "--learning-rate", "1e-3"});
  EXPECT_EQ(other.exit_code, kBadInput);
  EXPECT_THAT(other.err,
              HasSubstr("run.toml: belongs to another run: --learning-rate was 1e-05 and is 0.001"));
  EXPECT_THAT(other.err, HasSubstr("begin a new run with --overwrite-output-dir"));
  EXPECT_TRUE(ReadFile(dir_ / "out" / "model.safetensors") == model);
  const auto same = with({"--resume-from-checkpoint", "--logging-steps", "1"});
  ASSERT_EQ(same.exit_code, kDone) << same.err;
  EXPECT_THAT(same.err, HasSubstr("no checkpoint yet, beginning from the start"));
  EXPECT_TRUE(ReadFile(dir_ / "out" / "model.safetensors") == model);
  EXPECT_EQ(StepLosses(dir_ / "out").size(), 2u);
}

TEST_F(TrainCommand, AnotherBaseModelIsNotGoneOnWith) {
  const std::vector<std::string> lora = {"--train-file", data_, "--max-steps", "2",
                                         "--save-steps", "1",   "--method",    "lora"};
  ASSERT_EQ(RunProgram(Arguments(lora)).exit_code, kDone);
  std::string weights = ReadFile(dir_ / "base" / "model.safetensors");
  weights[weights.size() / 2] ^= 1;
  WriteFileAtomically(dir_ / "base" / "model.safetensors", weights);
  std::vector<std::string> again = lora;
  again.emplace_back("--resume-from-checkpoint");
  const auto run = RunProgram(Arguments(again));
  EXPECT_EQ(run.exit_code, kBadInput);
  EXPECT_THAT(run.err, HasSubstr("weights of --model was "));
}

TEST_F(TrainCommand, StepsThatAreNotFiniteAreSkippedAndThenEndTheRun) {
  std::string lines = "text,label\n";
  for (int i = 0; i < 30; ++i) lines += i == 0 ? "gg,1e30\n" : "gg,1\n";
  const std::string one = test::WriteText(dir_ / "one.csv", lines);
  const auto skipped = RunProgram(Arguments(
      {"--task", "regression", "--train-file", one, "--num-train-epochs", "2", "--batch-size", "1"}));
  ASSERT_EQ(skipped.exit_code, kDone) << skipped.err;
  EXPECT_EQ(Json::parse(skipped.out)["skipped_steps"], 2);
  EXPECT_EQ(Json::parse(skipped.out)["train_steps"], 60);
  EXPECT_THAT(skipped.err, HasSubstr("is skipped: its loss is inf"));

  const std::string all = test::WriteText(dir_ / "all.csv", "text,label\ngg,1e30\nbb,-1e30\n");
  const auto ended = RunProgram(Arguments({"--task", "regression", "--train-file", all, "--max-steps", "50",
                                           "--max-bad-steps", "3", "--overwrite-output-dir"}));
  EXPECT_EQ(ended.exit_code, kRunFailed);
  EXPECT_THAT(ended.err, HasSubstr("not finite in 3 steps in a row"));
  EXPECT_TRUE(fs::exists(dir_ / "out" / "checkpoint-3" / "model.safetensors"));
}

}  // namespace
}  // namespace gemtune::cli
