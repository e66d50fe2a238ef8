#include "gemtune/base/progress.h"

#include <gtest/gtest.h>

#include "gemtune/base/log.h"

namespace gemtune {
namespace {

TEST(ProgressLine, FitsTheTerminal) {
  EXPECT_EQ(ProgressLine(1, 4, "text", 80), "[#####...............] text");
  EXPECT_EQ(ProgressLine(4, 4, "text", 80), "[####################] text");
  EXPECT_EQ(ProgressLine(5, 4, "text", 80), "[####################] text");
  EXPECT_EQ(ProgressLine(1, 2, "text", 18), "[#####.....] text");  // 17 of 18 columns
  EXPECT_EQ(ProgressLine(1, 2, "text", 12), "[##..] text");
  EXPECT_EQ(ProgressLine(1, 2, "text", 11), "text");  // no bar rather than one of three characters
  EXPECT_EQ(ProgressLine(1, 2, "text", 4), "tex");
  EXPECT_EQ(ProgressLine(1, 2, "text", 0), "");
  EXPECT_EQ(ProgressLine(7, 0, "7 rows", 80), "7 rows");  // of an unknown number
}

TEST(ProgressBar, IsSilentWhereThereIsNoTerminal) {
  testing::internal::CaptureStderr();
  {
    ProgressBar bar("reading");
    bar.Show(1, 2, "rows");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(LineInPlace, GivesWayToMessages) {
  testing::internal::CaptureStderr();
  log::ShowInPlace("half");
  log::Info("message");
  log::ClearPlace();  // nothing is there any more
  log::ShowInPlace("whole");
  log::ClearPlace();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "\r\x1b[Khalf\r\x1b[Kmessage\n\r\x1b[Kwhole\r\x1b[K");
}

}  // namespace
}  // namespace gemtune
