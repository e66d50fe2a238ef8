#include "gemtune/base/thread_pool.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

namespace gemtune {
namespace {

using std::chrono::milliseconds;

TEST(ThreadPool, DoesEveryTaskOnceInManyJobsOfAnySize) {
  for (int job = 0; job < 5000; ++job) {
    const int64_t n = job % 7;
    std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
    ThreadPool::Get().Run(n, 1 + job % 4, [&](int64_t i) { ++seen[static_cast<size_t>(i)]; });
    for (const auto& count : seen) ASSERT_EQ(count, 1) << job;
  }
}

TEST(ThreadPool, WakesThreadsThatSleep) {
  for (int job = 0; job < 5; ++job) {
    std::this_thread::sleep_for(milliseconds(2));
    std::atomic<int> together = 0;
    // Ends only if two threads are in it at the same time.
    ThreadPool::Get().Run(2, 2, [&](int64_t) {
      ++together;
      while (together < 2) std::this_thread::yield();
    });
  }
}

TEST(ThreadPool, WaitsForATaskThatTakesLong) {
  std::atomic<int> done = 0;
  ThreadPool::Get().Run(3, 3, [&](int64_t i) {
    std::this_thread::sleep_for(milliseconds(i == 0 ? 0 : 10));
    ++done;
  });
  EXPECT_EQ(done, 3);
}

TEST(ThreadPool, ATaskOrASecondCallerWorksAlone) {
  std::atomic<int> inner = 0;
  ThreadPool::Get().Run(2, 2, [&](int64_t) {
    const auto self = std::this_thread::get_id();
    EXPECT_EQ(omp_get_max_threads(), 1);
    ThreadPool::Get().Run(4, 4, [&](int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), self);
      ++inner;
    });
  });
  EXPECT_EQ(inner, 8);

  std::atomic<int64_t> sum = 0;
  const auto call = [&] {
    for (int job = 0; job < 200; ++job) ThreadPool::Get().Run(10, 3, [&](int64_t i) { sum += i; });
  };
  std::thread other(call);
  call();
  other.join();
  EXPECT_EQ(sum, 2 * 200 * 45);
}

}  // namespace
}  // namespace gemtune
