#include "gemtune/base/processors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.h"

namespace gemtune {
namespace {

class UsableProcessorsTest : public test::TempDir {
 protected:
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((dir_ / path).parent_path());
    std::ofstream(dir_ / path) << text;
  }

  int Of(const std::set<int>& allowed) const {
    return UsableProcessors(allowed,
                            {.proc = dir_ / "proc", .cgroup = dir_ / "cgroup", .devices = dir_ / "devices"});
  }
};

TEST_F(UsableProcessorsTest, AreThoseThatItMayRunOnIfNothingElseIsSaid) {
  EXPECT_EQ(Of({0, 1, 5}), 3);
  EXPECT_EQ(Of({}), 1);
  EXPECT_GE(UsableProcessors(), 1);
}

TEST_F(UsableProcessorsTest, AreThePerformanceCores) {
  Write("devices/cpu_core/cpus", "0-3,8\n");
  EXPECT_EQ(Of({0, 1, 2, 3, 4, 5, 6, 7, 8}), 5);
  EXPECT_EQ(Of({2, 3, 4, 5}), 2);
  EXPECT_EQ(Of({4, 5, 6}), 3);  // slow ones alone
}

TEST_F(UsableProcessorsTest, AreTheCoresOfTheGreatestCapacity) {
  for (const auto& [i, capacity] :
       {std::pair(0, 446), std::pair(1, 446), std::pair(2, 1024), std::pair(3, 980)})
    Write("devices/system/cpu/cpu" + std::to_string(i) + "/cpu_capacity", std::to_string(capacity) + "\n");
  EXPECT_EQ(Of({0, 1, 2, 3}), 2);
  EXPECT_EQ(Of({0, 1}), 2);
}

TEST_F(UsableProcessorsTest, AreNoMoreThanTheTightestQuota) {
  Write("proc/self/cgroup", "0::/user/job\n");
  Write("cgroup/user/job/cpu.max", "max 100000\n");
  EXPECT_EQ(Of({0, 1, 2, 3}), 4);
  Write("cgroup/user/cpu.max", "250000 100000\n");
  EXPECT_EQ(Of({0, 1, 2, 3}), 3);
  EXPECT_EQ(Of({0, 1}), 2);
  Write("cgroup/user/job/cpu.max", "5000 100000\n");
  EXPECT_EQ(Of({0, 1, 2, 3}), 1);
}

TEST_F(UsableProcessorsTest, VersionOneHasTwoFiles) {
  Write("proc/self/cgroup", "4:cpu,cpuacct:/job\n3:memory:/job\n");
  Write("cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
  Write("cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(Of({0, 1, 2, 3}), 4);
  Write("cgroup/cpu/job/cpu.cfs_quota_us", "200000\n");
  EXPECT_EQ(Of({0, 1, 2, 3}), 2);
}

TEST_F(UsableProcessorsTest, TheNameIsTheKernels) {
  const KernelFiles files = {.proc = dir_ / "proc"};
  EXPECT_EQ(ProcessorName(files), "");
  Write("proc/cpuinfo", "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7763\nmodel name\t: other\n");
  EXPECT_EQ(ProcessorName(files), "AMD EPYC 7763");
  Write("proc/cpuinfo", "model name\t:\n");
  EXPECT_EQ(ProcessorName(files), "");
}

}  // namespace
}  // namespace gemtune
