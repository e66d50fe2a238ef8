#include "gemtune/cli/version.h"

#include <gmock/gmock.h>
#include <torch/version.h>

#include "gemtune/ops/device.h"
#include "tests/cli/run_program.h"

namespace gemtune::cli {
namespace {

TEST(Version, NamesWhatTheProgramRunsWith) {
  const auto run = test::RunProgram({"--version"});
  EXPECT_EQ(run.exit_code, kDone);
  EXPECT_EQ(run.out, VersionReport());
  EXPECT_THAT(run.out, testing::MatchesRegex("gemtune [0-9.]+\n"
                                             "LibTorch      [0-9]+\\.[0-9]+\\.[0-9]+.*\n"
                                             "Arrow         [0-9]+\\.[0-9]+\\.[0-9]+\n"
                                             "processor     .*[0-9]+ of [0-9]+ used\n"
                                             "instructions  .+\n"
                                             "CUDA plugin   .+\n"));
  // Here the headers' version is the library's.
  EXPECT_THAT(run.out, testing::HasSubstr("LibTorch      " TORCH_VERSION));
  for (const std::string& instruction : ops::InstructionsInUse())
    EXPECT_THAT(run.out, testing::HasSubstr(instruction));
}

}  // namespace
}  // namespace gemtune::cli
