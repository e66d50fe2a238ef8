#include "gemtune/base/memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "tests/support/temp_dir.h"

namespace gemtune {
namespace {

constexpr int64_t kMebibyte = int64_t{1} << 20;

TEST(ResidentBytes, GrowByWhatIsTouched) {
  const int64_t before = ResidentBytes();
  EXPECT_GT(before, kMebibyte);
  const std::vector<char> touched(static_cast<size_t>(64 * kMebibyte), 'x');
  const int64_t with = ResidentBytes();
  EXPECT_GE(with - before, 60 * kMebibyte);
  EXPECT_LE(with - before, 70 * kMebibyte);
  EXPECT_GE(PeakResidentBytes(), before + 60 * kMebibyte);
  EXPECT_EQ(touched[12345], 'x');
}

TEST(AvailableMemoryBytes, IsKnownHere) {
  EXPECT_GT(AvailableMemoryBytes(), kMebibyte);
}

// A machine of 1,000 kB of memory, of which 400 are to be had, and 200 of swap.
class FindMemoryLimitTest : public test::TempDir {
 protected:
  FindMemoryLimitTest() {
    Write("proc/meminfo",
          "MemTotal:           1000 kB\nMemFree:             100 kB\nMemAvailable:        400 kB\n"
          "SwapTotal:           200 kB\n");
  }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((dir_ / path).parent_path());
    std::ofstream(dir_ / path) << text;
  }

  MemoryLimit Find() const { return FindMemoryLimit(files()); }
  KernelFiles files() const { return {.proc = dir_ / "proc", .cgroup = dir_ / "cgroup"}; }
};

TEST_F(FindMemoryLimitTest, WithoutAnyOtherItIsTheMachine) {
  EXPECT_EQ(Find().bytes, 1200 * 1024);
  EXPECT_EQ(Find().source, "the machine's memory and swap");
  EXPECT_EQ(AvailableMemoryBytes(files()), 400 * 1024);
}

TEST_F(FindMemoryLimitTest, VersionTwoTakesTheTightestOfTheGroupsAround) {
  Write("proc/self/cgroup", "0::/user/job\n");
  Write("cgroup/user/job/memory.max", "max\n");
  EXPECT_EQ(Find().bytes, 1200 * 1024);
  Write("cgroup/user/memory.max", "5000\n");
  Write("cgroup/user/job/memory.max", "7000\n");
  EXPECT_EQ(Find().bytes, 5000);
  EXPECT_EQ(Find().source, "the control group's memory.max");
  Write("cgroup/user/job/memory.max", "3000\n");
  EXPECT_EQ(Find().bytes, 3000);
}

TEST_F(FindMemoryLimitTest, VersionOneHasAGroupForMemory) {
  Write("proc/self/cgroup", "9:name=systemd:/\n5:cpu,memory:/job\n0::/\n");
  Write("cgroup/memory/job/memory.limit_in_bytes", "6000\n");
  EXPECT_EQ(Find().bytes, 6000);
  EXPECT_EQ(Find().source, "the control group's memory.limit_in_bytes");
}

TEST_F(FindMemoryLimitTest, InAContainerTheRootIsItsGroup) {
  Write("proc/self/cgroup", "4:memory:/docker/0123\n");
  Write("cgroup/memory/memory.limit_in_bytes", "8000\n");
  EXPECT_EQ(Find().bytes, 8000);
}

TEST_F(FindMemoryLimitTest, NothingKnownIsNoLimit) {
  std::filesystem::remove_all(dir_ / "proc");
  EXPECT_EQ(Find().bytes, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Find().source, "");
}

}  // namespace
}  // namespace gemtune
