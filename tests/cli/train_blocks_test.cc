// gemtune train with a base in blocks: --base-dtype.
#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/cli/train_command.h"
#include "tests/support/tiny_gguf.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using testing::HasSubstr;

// The numbers of training too: they differ in where the weights lie.
TEST_F(TrainCommand, AKeptBaseTrainsTheSameAdapter) {
  const std::string base = (dir_ / "m.gguf").string();
  test::WriteTinyGguf(base);
  const auto train = [&](const std::string& base_dtype) {
    const auto run = RunProgram({"train", "--model", base, "--output-dir", (dir_ / "out").string(),
                                 "--no-cache", "--overwrite-output-dir", "--dtype", "fp32", "--method",
                                 "lora", "--base-dtype", base_dtype, "--train-file", data_,
                                 "--validation-file", data_, "--num-train-epochs", "1"});
    EXPECT_EQ(run.exit_code, kDone) << run.err;
    return std::pair(ReadFile(dir_ / "out" / "adapter_model.safetensors"), StepLosses(dir_ / "out"));
  };
  const auto expected = train("auto"), actual = train("keep");
  EXPECT_EQ(actual.second, expected.second);
  EXPECT_TRUE(actual.first == expected.first);
  const auto evaluate = RunProgram({"evaluate", "--model", (dir_ / "out").string(), "--test-file", data_,
                                    "--no-cache", "--dtype", "fp32"});
  EXPECT_EQ(evaluate.exit_code, kDone) << evaluate.err;
}

// The rounded base is another base: close, but a run must not be resumed with it as if it were the same.
TEST_F(TrainCommand, ABaseIsRoundedToQ8_0) {
  const std::string gguf = (dir_ / "m.gguf").string(), base = (dir_ / "whole").string();
  test::WriteTinyGguf(gguf);
  const auto train = [&](const std::string& model, const std::string& out, std::vector<std::string> more) {
    more.insert(more.begin(), {"train", "--model", model, "--output-dir", (dir_ / out).string(), "--no-cache",
                               "--dtype", "fp32", "--train-file", data_, "--max-steps", "4"});
    return RunProgram(more);
  };
  const auto losses = [&](const std::string& model, const std::string& out, const std::string& base_dtype) {
    const auto run = train(model, out,
                           {"--method", "lora", "--learning-rate", "1e-3", "--base-dtype", base_dtype,
                            "--save-steps", "2", "--save-total-limit", "0"});
    EXPECT_EQ(run.exit_code, kDone) << run.err;
    return StepLosses(dir_ / out);
  };
  ASSERT_EQ(train(gguf, "whole", {"--learning-rate", "0", "--save-strategy", "no"}).exit_code, kDone);
  const std::vector<double> exact = losses(base, "auto", "auto"), rounded = losses(base, "q8_0", "q8_0");
  ASSERT_EQ(rounded.size(), exact.size());
  EXPECT_NE(rounded, exact);
  for (size_t i = 0; i < exact.size(); ++i) EXPECT_NEAR(rounded[i], exact[i], 0.02) << i;
  EXPECT_EQ(losses(gguf, "of_gguf", "q8_0"), rounded);  // of the same numbers

  const std::string adapter = ReadFile(dir_ / "q8_0" / "adapter_model.safetensors");
  const auto go_on = [&](const char* base_dtype) {
    fs::remove_all(dir_ / "q8_0" / "checkpoint-4");
    return train(base, "q8_0",
                 {"--method", "lora", "--learning-rate", "1e-3", "--base-dtype", base_dtype, "--save-steps",
                  "2", "--resume-from-checkpoint"});
  };
  const auto other = go_on("auto");
  EXPECT_EQ(other.exit_code, kBadInput);
  EXPECT_THAT(other.err, HasSubstr("--base-dtype was \"q8_0\" and is \"auto\""));
  const auto resumed = go_on("q8_0");
  EXPECT_EQ(resumed.exit_code, kDone) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming after step 2"));
  EXPECT_TRUE(ReadFile(dir_ / "q8_0" / "adapter_model.safetensors") == adapter);
  const auto evaluate = RunProgram({"evaluate", "--model", (dir_ / "q8_0").string(), "--test-file", data_,
                                    "--no-cache", "--dtype", "fp32"});
  EXPECT_EQ(evaluate.exit_code, kDone) << evaluate.err;
}

TEST_F(TrainCommand, WhatCannotBeHeldInBlocksIsSaidBeforeTheDataIsRead) {
  const std::string gguf = (dir_ / "m.gguf").string();
  test::WriteTinyGguf(gguf);
  for (const char* base_dtype : {"keep", "q8_0"}) {
    const auto run = RunProgram(Arguments({"--model", gguf, "--method", "lora", "--base-dtype", base_dtype,
                                           "--modules-to-save", "embed_tokens", "--train-file", data_}));
    EXPECT_EQ(run.exit_code, kBadInput);
    EXPECT_THAT(run.err, HasSubstr("--modules-to-save: 'model.embed_tokens' would be trained whole"));
    EXPECT_THAT(run.err, testing::Not(HasSubstr("training examples")));
  }
  const auto narrow =
      RunProgram(Arguments({"--method", "lora", "--base-dtype", "q8_0", "--train-file", data_}));
  EXPECT_EQ(narrow.exit_code, kBadInput);
  EXPECT_THAT(narrow.err, HasSubstr("--base-dtype q8_0: the rows of 'model.embed_tokens.weight' have 16"));
}

TEST_F(TrainCommand, OnlyAFrozenBaseInAGgufIsKept) {
  const auto complaint = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--train-file", data_, "--base-dtype", "keep"});
    const auto run = RunProgram(Arguments(more));
    EXPECT_EQ(run.exit_code, kBadInput);
    return run.err;
  };
  EXPECT_THAT(complaint({}), HasSubstr("--base-dtype is for --method lora"));
  EXPECT_THAT(complaint({"--method", "lora"}),
              HasSubstr("--base-dtype keep: " + (dir_ / "base").string() + " is not a GGUF file"));
}

}  // namespace
}  // namespace gemtune::cli
