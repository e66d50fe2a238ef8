#include "gemtune/base/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace gemtune {
namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

TEST(Arena, GivesTheSmallestHoleThatFits) {
  Arena arena(16 * kMegabyte);
  void* large = arena.Allocate(4000);
  void* wall = arena.Allocate(1);
  void* small = arena.Allocate(1000);
  void* end = arena.Allocate(1);
  EXPECT_TRUE(arena.Free(large));
  EXPECT_TRUE(arena.Free(small));
  EXPECT_EQ(arena.Allocate(900), small);
  EXPECT_EQ(arena.Allocate(3900), large);
  EXPECT_TRUE(arena.Free(wall));
  EXPECT_TRUE(arena.Free(end));
}

TEST(Arena, JoinsNeighboursWhicheverIsFreedFirst) {
  for (const std::vector<int>& order :
       {std::vector{0, 1, 2}, std::vector{2, 1, 0}, std::vector{0, 2, 1}, std::vector{1, 0, 2}}) {
    Arena arena(4 * kMegabyte);
    std::vector<void*> blocks;
    for (int i = 0; i < 3; ++i) blocks.push_back(arena.Allocate(kMegabyte));
    for (const int i : order) EXPECT_TRUE(arena.Free(blocks[static_cast<size_t>(i)]));
    EXPECT_EQ(arena.Allocate(4 * kMegabyte), blocks[0]);
  }
}

TEST(Arena, SaysWhenThereIsNoRoomAndWhatIsNotItsOwn) {
  Arena arena(2 * kMegabyte);
  EXPECT_EQ(arena.Allocate(3 * kMegabyte), nullptr);
  EXPECT_NE(arena.Allocate(kMegabyte + 1), nullptr);
  EXPECT_EQ(arena.Allocate(kMegabyte), nullptr);
  int own = 0;
  EXPECT_FALSE(arena.Free(&own));
}

// Blocks of many sizes come and go; none may overlap another, and the furthest end must stay where a
// training's would.
TEST(Arena, BlocksNeverOverlapAndMemoryDoesNotCreep) {
  Arena arena(256 * kMegabyte);
  std::mt19937 random(3);
  size_t after_first = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::pair<unsigned char*, size_t>> blocks;
    for (int i = 0; i < 40; ++i) {
      const size_t size = 1 + random() % kMegabyte;
      auto* block = static_cast<unsigned char*>(arena.Allocate(size));
      ASSERT_NE(block, nullptr);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % 256, 0u);
      std::memset(block, i, size);
      blocks.emplace_back(block, size);
      if (i % 3 == 2) {
        const size_t victim = random() % blocks.size();
        ASSERT_TRUE(arena.Free(blocks[victim].first));
        blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(victim));
      }
    }
    for (const auto& [block, size] : blocks) {
      ASSERT_EQ(block[0], block[size - 1]);
      ASSERT_EQ(block[0], block[size / 2]);
      ASSERT_TRUE(arena.Free(block));
    }
    if (round == 0) after_first = arena.high_water();
  }
  EXPECT_LT(arena.high_water(), after_first * 3 / 2);
}

}  // namespace
}  // namespace gemtune
