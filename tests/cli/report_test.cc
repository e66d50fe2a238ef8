#include "gemtune/cli/report.h"

#include <gmock/gmock.h>

#include "tests/cli/train_command.h"

namespace gemtune::cli {
namespace {

using test::RunProgram;
using testing::HasSubstr;

using ReportCommand = TrainCommand;

TEST_F(ReportCommand, PutsRunsSideBySide) {
  Learn();
  const std::string own = ReadFile(dir_ / "out" / "report.html");
  EXPECT_THAT(own, HasSubstr("\"state\":\"finished\""));
  EXPECT_THAT(own, HasSubstr("\"confusion_matrix\""));
  const std::string out = (dir_ / "out").string(), page = (dir_ / "page.html").string();
  const auto run = RunProgram({"report", out, out, "--output-file", page});
  ASSERT_EQ(run.exit_code, kDone) << run.err;
  EXPECT_EQ(run.out, page + "\n");
  EXPECT_THAT(ReadFile(page), HasSubstr("\"name\":\"" + out + "\""));
}

TEST_F(ReportCommand, WhatIsNoRunIsSaid) {
  const auto nothing = RunProgram({"report"});
  EXPECT_EQ(nothing.exit_code, kBadInput);
  EXPECT_THAT(nothing.err, HasSubstr("name the output directory"));
  const auto base = RunProgram({"report", (dir_ / "base").string()});
  EXPECT_EQ(base.exit_code, kBadInput);
  EXPECT_THAT(base.err, HasSubstr("is not the directory of a run"));
}

}  // namespace
}  // namespace gemtune::cli
