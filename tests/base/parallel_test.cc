#include "gemtune/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace gemtune {
namespace {

TEST(ParallelFor, CoversTheRangeOnceWithAFixedSplit) {
  for (const int threads : {1, 2, 3}) {
    SetNumThreads(threads);
    EXPECT_EQ(NumThreads(), threads);
    for (const int64_t n : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
      std::mutex mutex;
      std::set<std::pair<int64_t, int64_t>> splits[2];
      for (auto& split : splits) {
        ParallelFor(n, 3, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
          const std::scoped_lock lock(mutex);
          split.emplace(begin, end);
        });
      }
      for (const auto& count : seen) EXPECT_EQ(count, 2);
      EXPECT_EQ(splits[0], splits[1]);
      for (const auto& [begin, end] : splits[0]) EXPECT_TRUE(end - begin >= 3 || splits[0].size() == 1);
    }
  }
  SetNumThreads(0);
}

TEST(ParallelFor, RethrowsAnException) {
  EXPECT_THROW(ParallelFor(100, 1, [](int64_t, int64_t) { throw std::runtime_error("x"); }),
               std::runtime_error);
}

TEST(ParallelForEach, LittleWorkIsTheCallersAlone) {
  const auto caller = std::this_thread::get_id();
  int64_t sum = 0;
  ParallelForEach(100, /*work=*/1000, [&](int64_t i) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    sum += i;
  });
  EXPECT_EQ(sum, 4950);
  std::atomic<int64_t> many = 0;
  ParallelForEach(100, /*work=*/int64_t{1} << 40, [&](int64_t i) { many += i; });
  EXPECT_EQ(many, 4950);
  EXPECT_EQ(GrainRows(32, 640), 32);
  EXPECT_EQ(GrainRows(32, 16), 512);
}

TEST(ParallelForEach, CallsEveryIndexOnceAndRethrows) {
  std::vector<std::atomic<int>> seen(257);
  ParallelForEach(257, [&](int64_t i) { ++seen[static_cast<size_t>(i)]; });
  for (const auto& count : seen) EXPECT_EQ(count, 1);
  EXPECT_THROW(ParallelForEach(10,
                               [](int64_t i) {
                                 if (i == 7) throw std::runtime_error("x");
                               }),
               std::runtime_error);
}

}  // namespace
}  // namespace gemtune
