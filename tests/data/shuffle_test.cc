#include "gemtune/data/shuffle.h"

#include <gmock/gmock.h>

#include <map>
#include <numeric>

namespace gemtune::data {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int> Shuffled(int count, uint64_t seed, uint64_t stream = 0) {
  std::vector<int> items(static_cast<size_t>(count));
  std::iota(items.begin(), items.end(), 0);
  Shuffler(seed, stream).Shuffle(items);
  return items;
}

// Frozen: every compiler and system must give the same. From golden/generate_shuffle.py, which is written
// from the standard alone.
TEST(Shuffler, TheOrderIsFrozen) {
  EXPECT_THAT(Shuffled(10, 42), ElementsAre(0, 6, 5, 1, 3, 9, 7, 8, 4, 2));
  EXPECT_THAT(Shuffled(10, 42, 1), ElementsAre(3, 8, 9, 4, 7, 2, 1, 0, 5, 6));
  EXPECT_THAT(Shuffled(10, uint64_t{42} << 32), ElementsAre(0, 3, 9, 1, 4, 6, 2, 5, 7, 8));
}

TEST(Shuffler, IsAPermutationOfAnySize) {
  EXPECT_THAT(Shuffled(0, 1), IsEmpty());
  EXPECT_THAT(Shuffled(1, 1), ElementsAre(0));
  for (const int count : {2, 3, 100, 10'000}) {
    std::vector<int> items = Shuffled(count, 7);
    std::sort(items.begin(), items.end());
    for (int i = 0; i < count; ++i) ASSERT_EQ(items[i], i);
  }
}

TEST(Shuffler, SeedAndStreamChangeTheOrder) {
  EXPECT_EQ(Shuffled(100, 1, 2), Shuffled(100, 1, 2));
  EXPECT_NE(Shuffled(100, 1, 2), Shuffled(100, 2, 2));
  EXPECT_NE(Shuffled(100, 1, 2), Shuffled(100, 1, 3));
  EXPECT_NE(Shuffled(100, 1, 2), Shuffled(100, 2, 1));
  EXPECT_NE(Shuffled(100, 1, 0), Shuffled(100, uint64_t{1} << 32, 0));
  EXPECT_NE(Shuffled(100, 0, 1), Shuffled(100, 0, uint64_t{1} << 32));
}

TEST(Shuffler, EveryOrderIsEquallyLikely) {
  std::map<std::vector<int>, int> counts;
  constexpr int kDraws = 24'000;
  for (int seed = 0; seed < kDraws; ++seed) ++counts[Shuffled(4, static_cast<uint64_t>(seed))];
  EXPECT_EQ(counts.size(), 24);
  double chi_squared = 0;
  for (const auto& [order, count] : counts) chi_squared += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_squared, 49.7);  // 23 degrees of freedom: one in a thousand is above
}

}  // namespace
}  // namespace gemtune::data
