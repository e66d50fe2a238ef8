#include "gemtune/cli/next_command.h"

#include <gmock/gmock.h>

namespace gemtune::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(ResumeCommand, CanBePastedIntoAShellInAnyFolder) {
  EXPECT_THAT(ResumeCommand("/out/run_1.2"),
              testing::EndsWith(" train --config /out/run_1.2/run.toml --resume-from-checkpoint"));
  EXPECT_THAT(ResumeCommand("/my run's $HOME"),
              HasSubstr("--config '/my run'\\''s $HOME/run.toml' --resume-from-checkpoint"));
  EXPECT_THAT(ResumeCommand("out"), HasSubstr((fs::current_path() / "out" / "run.toml").string()));
  EXPECT_THAT(ResumeCommand("/o"), testing::StartsWith("/"));
}

TEST(UseCommand, IsForTheKindOfModel) {
  EXPECT_THAT(UseCommand("/my model", "classification"),
              testing::EndsWith(" predict --model '/my model' --explain \"A film of rare warmth.\""));
  EXPECT_THAT(UseCommand("/o", "sft"), testing::EndsWith(" generate --model /o \"Once upon a time\""));
  EXPECT_EQ(UseArguments(".", "regression"), "predict --model . --explain \"A film of rare warmth.\"");
}

}  // namespace
}  // namespace gemtune::cli
