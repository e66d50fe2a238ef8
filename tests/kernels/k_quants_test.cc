#include "gemtune/kernels/k_quants.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "gemtune/kernels/quant.h"

namespace gemtune::kernels {
namespace {

// The blocks themselves are held to llama.cpp's in quantize_test.cc; here, that they are near the numbers.
TEST(KQuants, NumbersComeBackWithinAStep) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal(0, 0.05f);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<float> values(256), back(256);
    for (float& value : values) value = normal(random);
    std::vector<std::byte> block(210);
    // The range of a run, at most eight standard deviations, in 15 steps; the largest number in 32.
    ASSERT_TRUE(ToBlockQ4_K(values.data(), block.data()));
    Dequantize(BlockType::kQ4_K, block.data(), 256, back.data());
    for (size_t i = 0; i < 256; ++i) EXPECT_NEAR(back[i], values[i], 0.4f / 15) << i;
    ASSERT_TRUE(ToBlockQ6_K(values.data(), block.data()));
    Dequantize(BlockType::kQ6_K, block.data(), 256, back.data());
    for (size_t i = 0; i < 256; ++i) EXPECT_NEAR(back[i], values[i], 0.2f / 32) << i;
  }
}

TEST(KQuants, ZerosStayZeros) {
  const std::vector<float> zeros(256);
  std::vector<float> back(256, 1.0f);
  std::vector<std::byte> block(210, std::byte{255});
  ASSERT_TRUE(ToBlockQ4_K(zeros.data(), block.data()));
  Dequantize(BlockType::kQ4_K, block.data(), 256, back.data());
  EXPECT_EQ(back, zeros);
  ASSERT_TRUE(ToBlockQ6_K(zeros.data(), block.data()));
  Dequantize(BlockType::kQ6_K, block.data(), 256, back.data());
  EXPECT_EQ(back, zeros);
}

}  // namespace
}  // namespace gemtune::kernels
