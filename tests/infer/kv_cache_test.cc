#include "gemtune/infer/kv_cache.h"

#include <gtest/gtest.h>

namespace gemtune::infer {
namespace {

TEST(KvCachePool, GivesThePlaceOfAFinishedSequenceToTheNext) {
  KvCachePool pool;
  CachedSequence& first = pool.Take();
  CachedSequence& second = pool.Take();
  EXPECT_NE(&first, &second);
  first.ids = {1, 2};
  first.layers.resize(3);
  pool.GiveBack(first);
  EXPECT_EQ(pool.in_use(), 1);
  CachedSequence& third = pool.Take();
  EXPECT_EQ(&third, &first);
  EXPECT_TRUE(third.ids.empty());
  EXPECT_EQ(third.layers.size(), 3u);  // its memory
  EXPECT_EQ(pool.in_use(), 2);
}

TEST(CachedSequence, KeepsOnlyABeginning) {
  const auto left = [](std::vector<int32_t> ids, const std::vector<int32_t>& wanted) {
    CachedSequence sequence{.ids = std::move(ids), .layers = {}};
    sequence.KeepBeginningOf(wanted);
    return sequence.ids.size();
  };
  EXPECT_EQ(left({}, {1}), 0u);
  EXPECT_EQ(left({1, 2}, {1, 2, 3}), 2u);
  EXPECT_EQ(left({1, 2}, {1, 3, 4}), 0u);
  EXPECT_EQ(left({1, 2, 3}, {1, 2, 3}), 0u);  // nothing would be left to compute the next token from
  EXPECT_EQ(left({1, 2, 3}, {1, 2}), 0u);
}

}  // namespace
}  // namespace gemtune::infer
