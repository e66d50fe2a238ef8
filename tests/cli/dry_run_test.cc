#include "gemtune/cli/dry_run.h"

#include <gmock/gmock.h>

#include "tests/cli/train_command.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using testing::HasSubstr;

class DryRun : public TrainCommand {
 protected:
  Json Plan(std::vector<std::string> more) {
    more.insert(more.begin(), {"--train-file", data_, "--dry-run"});
    const auto run = RunProgram(Arguments(more));
    EXPECT_EQ(run.exit_code, kDone) << run.err;
    err_ = run.err;
    return run.exit_code == kDone ? Json::parse(run.out) : Json();
  }
};

TEST_F(DryRun, PrintsThePlanAndWritesNothing) {
  const Json plan = Plan({"--validation-file", data_, "--num-train-epochs", "2"});
  EXPECT_EQ(plan["train_examples"], 32);
  EXPECT_EQ(plan["steps_per_epoch"], 4);
  EXPECT_EQ(plan["steps"], 8);
  EXPECT_EQ(plan["tokens"], 2 * plan["train_tokens"].get<int64_t>());
  EXPECT_EQ(plan["truncated_examples"], 0);
  EXPECT_GT(plan["peak_memory_bytes"], 10'000'000);
  EXPECT_GT(plan["measured_peak_memory_bytes"], 10'000'000);
  const Json seconds = plan["seconds"];
  EXPECT_GT(seconds["training"], 0);
  EXPECT_GT(seconds["evaluation"], 0);
  EXPECT_NEAR(seconds["total"].get<double>(),
              seconds["training"].get<double>() + seconds["evaluation"].get<double>(), 1e-9);
  for (const char* line : {"step 3/3", "memory: ", "the run will take about "})
    EXPECT_THAT(err_, HasSubstr(line));
  EXPECT_FALSE(fs::exists(dir_ / "out"));
}

TEST_F(DryRun, EveryTaskAndMethodHasAPlan) {
  const std::string several =
      test::WriteText(dir_ / "several.jsonl",
                      "{\"text\": \"gh\", \"label\": [\"a\"]}\n{\"text\": \"bh\", \"label\": [\"b\"]}\n");
  const std::string numbers = test::WriteText(dir_ / "numbers.jsonl", "{\"text\": \"gh\", \"label\": 0.5}\n");
  Plan({"--method", "head"});
  Plan({"--method", "lora", "--use-dora", "--lora-dropout", "0.1"});
  Plan({"--method", "freeze", "--trainable-layers", "5-", "--cache-frozen", "--gradient-checkpointing"});
  data_ = several;
  Plan({"--task", "multi-label"});
  data_ = numbers;
  Plan({"--task", "regression"});
}

TEST_F(DryRun, WarnsOfWhatAlsoTheRunWarnsOf) {
  const std::vector<std::string> shared = {"--test-file", data_};
  const std::string warning = "32 of 32 test rows stand in the training data, too";
  Plan(shared);
  EXPECT_THAT(err_, HasSubstr(warning));
  Learn({"--num-train-epochs", "1"});
  EXPECT_THAT(err_, HasSubstr(warning));
}

TEST_F(DryRun, OfARunsOwnFileItLeavesTheRunAsItIs) {
  Learn({"--num-train-epochs", "1"});
  const std::string model = ReadFile(dir_ / "out" / "model.safetensors"),
                    options = ReadFile(dir_ / "out" / "run.toml");
  const auto plan = RunProgram({"train", "--config", (dir_ / "out" / "run.toml").string(), "--dry-run"});
  EXPECT_EQ(plan.exit_code, kDone) << plan.err;
  EXPECT_EQ(ReadFile(dir_ / "out" / "model.safetensors"), model);
  EXPECT_EQ(ReadFile(dir_ / "out" / "run.toml"), options);
}

}  // namespace
}  // namespace gemtune::cli
