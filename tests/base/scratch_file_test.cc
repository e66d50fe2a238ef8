#include "gemtune/base/scratch_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "gemtune/base/error.h"
#include "tests/support/temp_dir.h"

namespace gemtune {
namespace {

class ScratchFileTest : public test::TempDir {};

TEST_F(ScratchFileTest, HoldsWhatIsWrittenAndLeavesNothingBehind) {
  const ScratchFile file(dir_, 3 << 20);
  EXPECT_EQ(file.data()[(3 << 20) - 1], std::byte{0});
  file.data()[(3 << 20) - 1] = std::byte{7};
  file.data()[0] = std::byte{5};
  EXPECT_EQ(file.data()[(3 << 20) - 1], std::byte{7});
  EXPECT_EQ(file.data()[0], std::byte{5});
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

TEST_F(ScratchFileTest, WithoutRoomIsAnErrorAtOnce) {
  EXPECT_THROW(ScratchFile(dir_ / "missing", 1), RunError);
  rlimit kept{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &kept), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 20, kept.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(ScratchFile(dir_, 2 << 20), RunError);
  ::setrlimit(RLIMIT_FSIZE, &kept);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

}  // namespace
}  // namespace gemtune
