#include "gemtune/cli/stop_signals.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace gemtune::cli {
namespace {

TEST(StopSignals, ASignalIsNotedAndThoseThatFollowAtOnceAreTheSameWish) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const StopSignals signals;
    EXPECT_EQ(signals.received(), 0);
    for (int i = 0; i < 3; ++i) std::raise(signal);
    EXPECT_EQ(signals.received(), signal);
    std::raise(SIGTERM);
    EXPECT_EQ(signals.received(), SIGTERM);
  }
}

TEST(StopSignals, ALaterOneKills) {
  const StopSignals signals;
  std::raise(SIGINT);
  std::this_thread::sleep_for(std::chrono::seconds(kGraceSeconds));
  for (const int signal : {SIGINT, SIGTERM}) {
    EXPECT_EXIT(std::raise(signal), testing::KilledBySignal(signal), "");
  }
}

TEST(StopSignals, LeavesThingsAsTheyWere) {
  { const StopSignals signals; }
  EXPECT_EXIT(std::raise(SIGINT), testing::KilledBySignal(SIGINT), "");
}

TEST(StopSignals, WhatIsIgnoredStaysIgnored) {
  std::signal(SIGINT, SIG_IGN);
  {
    const StopSignals signals;
    std::raise(SIGINT);
    EXPECT_EQ(signals.received(), 0);
  }
  std::signal(SIGINT, SIG_DFL);
}

TEST(StopSignals, HaveNames) {
  EXPECT_STREQ(SignalName(SIGINT), "SIGINT");
  EXPECT_STREQ(SignalName(SIGTERM), "SIGTERM");
}

}  // namespace
}  // namespace gemtune::cli
