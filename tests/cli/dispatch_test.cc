#include "gemtune/cli/dispatch.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/cli/run_program.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using testing::HasSubstr;

TEST(Program, ShowsItsCommands) {
  for (const std::string argument : {"--help", "-h", "help"}) {
    const auto run = RunProgram({argument});
    EXPECT_EQ(run.exit_code, kDone);
    for (const char* name : {"fetch", "train", "evaluate", "predict", "tokenize", "bench", "inspect"})
      EXPECT_THAT(run.out, HasSubstr(name));
  }
  EXPECT_EQ(RunProgram({}).exit_code, kBadInput);
  EXPECT_THAT(RunProgram({"--version"}).out, HasSubstr("gemtune "));
}

TEST(Program, EveryCommandHasHelpWithGroupsAndDefaults) {
  for (const char* name : {"fetch", "train", "evaluate", "predict", "tokenize", "bench", "inspect"}) {
    const auto run = RunProgram({name, "--help"});
    EXPECT_EQ(run.exit_code, kDone) << name;
    EXPECT_THAT(run.out, HasSubstr(std::string("gemtune ") + name));
  }
  const std::string help = RunProgram({"train", "--help"}).out;
  for (const char* text : {"Data:", "Optimiser:", "--learning-rate", "--warmup-ratio", "--max-length"}) {
    EXPECT_THAT(help, HasSubstr(text));
  }
}

// Each mistake is one line that names it, on standard error, with exit code 2.
TEST(Program, SaysWhatIsWrongInOneLine) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{"trian"}, "unknown command 'trian' (did you mean 'train'?)"},
      {{"train"}, "--model is required"},
      {{"train", "--epochs", "3"}, "unknown option --epochs (did you mean '--num-train-epochs'?)"},
      {{"train", "--model", "m", "--train-file", "f", "--output-dir", "d", "--learning-rat", "1"},
       "unknown option --learning-rat (did you mean '--learning-rate'?)"},
      {{"train", "--model", "m", "--train-file", "f", "--output-dir", "d", "--learning-rate", "fast"},
       "--learning-rate"},
      {{"train", "--model", "m", "--train-file", "f", "--output-dir", "d", "--learning-rate", "-1"},
       "--learning-rate"},
      {{"train", "--model", "m", "--train-file", "f", "--output-dir", "d", "--task", "ranking"}, "ranking"},
      {{"train", "--config", "/nonexistent.toml"}, "/nonexistent.toml"},
      {{"inspect", "a", "b"}, "'b' is one argument too many"},
      {{"inspect", "/nonexistent"}, "/nonexistent"},
      {{"tokenize", "--model", "/nonexistent", "--input-file", "x"}, "/nonexistent"},
  };
  for (const auto& [arguments, complaint] : mistakes) {
    const auto run = RunProgram(arguments);
    EXPECT_EQ(run.exit_code, kBadInput) << complaint;
    EXPECT_THAT(run.err, HasSubstr(complaint));
    EXPECT_THAT(run.err, testing::StartsWith("error: "));
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_EQ(run.out, "");
  }
}

TEST(Program, TakesTransformersSpellingOfOptions) {
  const auto run =
      RunProgram({"train", "--model", "/nonexistent", "--train_file", "f", "--output_dir",
                  testing::TempDir() + "spelling", "--learning_rate=1e-4", "--num_train_epochs", "1"});
  EXPECT_THAT(run.err, HasSubstr("/nonexistent"));  // the options were taken: it is the model that is missing
}

}  // namespace
}  // namespace gemtune::cli
