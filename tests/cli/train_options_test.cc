#include "gemtune/cli/train_options.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"

namespace gemtune::cli {
namespace {

using testing::HasSubstr;

struct Parsed {
  explicit Parsed(std::vector<std::string> arguments) : set("gemtune try", "Tries.") {
    options.Declare(set, /*needs_output_dir=*/true);
    arguments.insert(arguments.end(), {"--model", "m", "--train-file", "a.csv", "--output-dir", "out"});
    EXPECT_TRUE(set.Parse(arguments));
  }
  TrainOptions options;
  OptionSet set;
};

train::RunOptions Checked(std::vector<std::string> arguments) {
  Parsed parsed(std::move(arguments));
  return parsed.options.Checked(parsed.set);
}

std::string Complaint(std::vector<std::string> arguments) {
  return test::MessageOf([&] { Checked(std::move(arguments)); });
}

TEST(TrainOptions, BecomeARun) {
  const train::RunOptions run = Checked(
      {"--method", "lora", "--lora-r", "4", "--eval-strategy", "no", "--save-strategy", "epoch", "--dtype",
       "bf16", "--label-smoothing-factor", "0.1", "--max-length", "64", "--validation-split", "0.2"});
  EXPECT_EQ(run.method, "lora");
  EXPECT_EQ(run.method_options.lora.r, 4);
  EXPECT_EQ(run.trainer.eval_strategy, train::IntervalStrategy::kNo);
  EXPECT_EQ(run.trainer.save_strategy, train::IntervalStrategy::kEpoch);
  EXPECT_EQ(run.trainer.learning_rate, train::FindMethod("lora").learning_rate);
  EXPECT_EQ(run.dtype, at::kBFloat16);
  EXPECT_EQ(run.task_options.label_smoothing_factor, 0.1);
  EXPECT_EQ(run.data.reading.max_length, 64);
  EXPECT_EQ(run.data.validation_split, 0.2);
  EXPECT_THAT(run.data.train_files, testing::ElementsAre("a.csv"));
}

TEST(TrainOptions, OfOtherMethodsAreRefused) {
  EXPECT_EQ(Complaint({"--lora-r", "4"}), "--lora-r is for --method lora");
  EXPECT_EQ(Complaint({"--method", "lora", "--freeze-embeddings"}),
            "--freeze-embeddings is for --method freeze");
  EXPECT_NO_THROW(Checked({"--lora-r", "16"}));  // the default, which a run.toml gives
}

TEST(TrainOptions, TheRecordHoldsWhatIsInEffectAndNotHowTheRunWasBegun) {
  Parsed parsed({"--method", "head", "--overwrite-output-dir"});
  parsed.options.Checked(parsed.set);
  const train::RunRecord record = parsed.options.Record(parsed.set);
  EXPECT_EQ(record.options["--method"], "\"head\"");
  EXPECT_EQ(record.options["--learning-rate"], "0.001");
  EXPECT_EQ(record.options["--overwrite-output-dir"], "false");
  EXPECT_THAT(record.text, HasSubstr("learning-rate = 0.001"));
  EXPECT_TRUE(record.free.contains("--save-steps"));
  EXPECT_EQ(record.commands[0].second, "gemtune predict --model . --explain \"A film of rare warmth.\"");
}

TEST(TrainOptions, HelpTellsEachMethodsLearningRate) {
  OptionSet set("gemtune try", "Tries.");
  TrainOptions options;
  options.Declare(set, /*needs_output_dir=*/true);
  testing::internal::CaptureStdout();
  EXPECT_FALSE(set.Parse({"--help"}));
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("full 1e-5"));
}

}  // namespace
}  // namespace gemtune::cli
