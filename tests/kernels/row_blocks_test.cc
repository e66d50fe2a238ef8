#include "gemtune/kernels/row_blocks.h"

#include <gtest/gtest.h>

namespace gemtune::kernels {
namespace {

TEST(EvenBlockRows, GivesEachThreadAsManyBlocks) {
  SetNumThreads(2);
  EXPECT_EQ(EvenBlockRows(2056, 192, 16), 176);  // 12 blocks, 11 of 192 rows would be enough
  EXPECT_EQ(EvenBlockRows(2048, 256, 8), 256);   // 8 as they are
  EXPECT_EQ(EvenBlockRows(100, 192, 16), 64);
  EXPECT_EQ(EvenBlockRows(5, 192, 16), 16);
  SetNumThreads(3);
  EXPECT_EQ(EvenBlockRows(2056, 192, 16), 176);
  EXPECT_EQ(EvenBlockRows(600, 192, 8), 104);  // 6
  SetNumThreads(0);
}

}  // namespace
}  // namespace gemtune::kernels
