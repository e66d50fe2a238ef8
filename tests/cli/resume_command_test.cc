#include "gemtune/cli/resume_command.h"

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

}  // namespace
}  // namespace gemtune::cli
