#include "gemtune/base/round_up.h"

#include <gtest/gtest.h>

namespace gemtune {
namespace {

TEST(RoundUpTest, StaysAtMultiplesAndRisesToTheNext) {
  for (const int64_t multiple : {1, 2, 7, 32}) {
    for (int64_t n = 0; n < 3 * multiple; ++n) {
      const int64_t rounded = RoundUp(n, multiple);
      EXPECT_EQ(rounded % multiple, 0);
      EXPECT_GE(rounded, n);
      EXPECT_LT(rounded, n + multiple);
      EXPECT_EQ(CeilDiv(n, multiple), rounded / multiple);
    }
  }
}

}  // namespace
}  // namespace gemtune
