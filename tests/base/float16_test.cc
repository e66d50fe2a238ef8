#include "gemtune/base/float16.h"

#include <gtest/gtest.h>

#include <limits>

namespace gemtune {
namespace {

TEST(BFloat16, EveryValueSurvivesARoundTrip) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const float value = FloatFromBFloat16(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(FloatFromBFloat16(BFloat16FromFloat(value))));
    } else {
      EXPECT_EQ(BFloat16FromFloat(value), bits);
    }
  }
}

TEST(BFloat16, RoundsToNearestTiesToEven) {
  EXPECT_EQ(FloatFromBFloat16(BFloat16FromFloat(1.0f + 0x1p-8f)), 1.0f);                // tie, down to even
  EXPECT_EQ(FloatFromBFloat16(BFloat16FromFloat(1.0f + 3 * 0x1p-8f)), 1.0f + 0x1p-6f);  // tie, up to even
  EXPECT_EQ(FloatFromBFloat16(BFloat16FromFloat(1.0f + 0x1.8p-8f)), 1.0f + 0x1p-7f);
  EXPECT_TRUE(std::isinf(FloatFromBFloat16(BFloat16FromFloat(std::numeric_limits<float>::max()))));
}

TEST(Float16, EveryValueSurvivesARoundTrip) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const float value = FloatFromFloat16(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(FloatFromFloat16(Float16FromFloat(value))));
    } else {
      EXPECT_EQ(Float16FromFloat(value), bits) << value;
    }
  }
}

TEST(Float16, KnownValues) {
  EXPECT_EQ(FloatFromFloat16(0x3c00), 1.0f);
  EXPECT_EQ(FloatFromFloat16(0x7bff), 65504.0f);
  EXPECT_EQ(FloatFromFloat16(0x0001), 0x1p-24f);
  EXPECT_EQ(Float16FromFloat(65519.0f), 0x7bff);
  EXPECT_EQ(Float16FromFloat(65520.0f), 0x7c00);
  EXPECT_EQ(Float16FromFloat(1.0f + 0x1p-11f), 0x3c00);  // tie, down to even
  EXPECT_EQ(Float16FromFloat(0x1p-25f), 0x0000);         // tie, down to even
  EXPECT_EQ(Float16FromFloat(0x1.8p-25f), 0x0001);
  EXPECT_EQ(Float16FromFloat(0x1.ff8p-15f), 0x03ff);
  EXPECT_EQ(Float16FromFloat(0x1.ffcp-15f), 0x0400);  // tie, rounds up into the normal numbers
}

}  // namespace
}  // namespace gemtune
