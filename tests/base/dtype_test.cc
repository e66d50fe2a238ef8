#include "gemtune/base/dtype.h"

#include <gtest/gtest.h>

#include "gemtune/base/error.h"

namespace gemtune {
namespace {

TEST(DType, NamesRoundTrip) {
  for (int i = 0; i <= static_cast<int>(DType::kF8E5M2); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(ParseDType(DTypeName(dtype)), dtype);
  }
}

TEST(DType, SizesAreThoseOfTheFormat) {
  EXPECT_EQ(ElementSize(DType::kF64), 8);
  EXPECT_EQ(ElementSize(DType::kF32), 4);
  EXPECT_EQ(ElementSize(DType::kBF16), 2);
  EXPECT_EQ(ElementSize(DType::kU8), 1);
}

TEST(DType, UnknownNameIsAnError) {
  EXPECT_THROW(ParseDType("F8_E8M0"), Error);
}

}  // namespace
}  // namespace gemtune
