#include "gemtune/kernels/put_half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gemtune::kernels {
namespace {

TEST(PutHalf, SaysWhatDoesNotFit) {
  std::byte out[2];
  for (const float fits : {0.0f, -1.5f, 65504.0f, 65519.9f, 1e-30f}) EXPECT_TRUE(PutHalf(fits, out)) << fits;
  for (const float not_ : {65520.0f, -1e9f, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    EXPECT_FALSE(PutHalf(not_, out)) << not_;
  }
  PutHalf(-2.0f, out);
  EXPECT_EQ(out[0], std::byte{0x00});
  EXPECT_EQ(out[1], std::byte{0xc0});
}

TEST(LargestMagnitude, IsNaNIfThereIsOne) {
  std::vector<float> x = {1, -3, 2, 0};
  EXPECT_EQ(LargestMagnitude(x.data(), 4), 3);
  EXPECT_EQ(LargestMagnitude(x.data(), 1), 1);
  x[0] = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(LargestMagnitude(x.data(), 4), std::numeric_limits<float>::infinity());
  x[3] = std::nanf("");
  EXPECT_TRUE(std::isnan(LargestMagnitude(x.data(), 4)));
}

}  // namespace
}  // namespace gemtune::kernels
