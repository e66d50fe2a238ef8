#include "gemtune/base/log.h"

#include <gtest/gtest.h>

namespace gemtune {
namespace {

TEST(Log, WritesLinesToStandardErrorAboveTheLevel) {
  testing::internal::CaptureStderr();
  log::Info("step {}", 1);
  log::Debug("not shown");
  log::Warning("rows {}", "skipped");
  log::SetLevel(log::Level::kWarning);
  log::Info("not shown either");
  log::SetLevel(log::Level::kInfo);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "step 1\nwarning: rows skipped\n");
}

}  // namespace
}  // namespace gemtune
