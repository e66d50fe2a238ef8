#include "gemtune/base/control_group.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace gemtune {
namespace {

using ControlGroupFilesTest = test::TempDir;

TEST_F(ControlGroupFilesTest, AreThoseOfTheGroupAndItsParents) {
  std::filesystem::create_directories(dir_ / "self");
  std::ofstream(dir_ / "self" / "cgroup") << "3:memory:/a\n2:cpu,cpuacct:/b/c\n0::/d\nnonsense\n";
  const std::vector<std::filesystem::path> expected = {"/g/cpu/b/c/old", "/g/cpu/b/old", "/g/cpu/old",
                                                       "/g/d/new",       "/g/new",       "/g/unified/d/new",
                                                       "/g/unified/new"};
  EXPECT_EQ(ControlGroupFiles({.proc = dir_, .cgroup = "/g"}, "cpu", "new", "old"), expected);
}

}  // namespace
}  // namespace gemtune
