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

TEST(Log, IsSpelledAsTheProgramSays) {
  log::SetSpelling([](std::string_view message) { return "<" + std::string(message) + ">"; });
  testing::internal::CaptureStderr();
  log::Warning("give another {}", "`output_dir`");
  log::SetSpelling(nullptr);
  log::Info("`output_dir`");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: <give another `output_dir`>\n`output_dir`\n");
}

TEST(Wrapped, BreaksBetweenPartsAndElseBetweenWords) {
  EXPECT_EQ(log::Wrapped("epoch 1.00  train loss 0.5  accuracy 0.75", 30),
            "epoch 1.00  train loss 0.5\n  accuracy 0.75");
  EXPECT_EQ(log::Wrapped("no training example is of it", 12), "no training\n  example is\n  of it");
  EXPECT_EQ(log::Wrapped("one two", 7), "one two");
  EXPECT_EQ(log::Wrapped("one two", 6), "one\n  two");
  EXPECT_EQ(log::Wrapped("a unbreakably-long-word b", 6), "a\n  unbreakably-long-word\n  b");
  EXPECT_EQ(log::Wrapped("déjà vu", 7), "déjà vu");  // characters, not bytes
  EXPECT_EQ(log::Wrapped("", 80), "");
}

}  // namespace
}  // namespace gemtune
