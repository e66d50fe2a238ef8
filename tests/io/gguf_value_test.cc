#include "gemtune/io/gguf_value.h"

#include <gtest/gtest.h>

#include <limits>

namespace gemtune::io {
namespace {

template <typename T>
GgufValue Array(GgufType type, const std::vector<T>& values) {
  return GgufNumberArray{type, values.size(), reinterpret_cast<const std::byte*>(values.data())};
}

TEST(GgufValue, AnIntegerIsWhatHoldsIt) {
  const GgufValue small = uint64_t{200}, negative = int64_t{-5}, huge = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(ConvertValue<int32_t>(small), 200);
  EXPECT_EQ(ConvertValue<uint64_t>(small), 200u);
  EXPECT_EQ(ConvertValue<int64_t>(negative), -5);
  EXPECT_EQ(ConvertValue<uint32_t>(negative), std::nullopt);
  EXPECT_EQ(ConvertValue<uint64_t>(huge), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(ConvertValue<int64_t>(huge), std::nullopt);
  EXPECT_EQ(ConvertValue<bool>(small), std::nullopt);
  EXPECT_EQ(ConvertValue<double>(small), std::nullopt);
  EXPECT_EQ(Describe(negative), "the integer -5");
  EXPECT_EQ(DescribeType<int32_t>(), "an integer that fits int32");
  EXPECT_EQ(DescribeType<uint64_t>(), "an integer that fits uint64");
}

TEST(GgufValue, OthersAreThemselvesAlone) {
  EXPECT_EQ(ConvertValue<bool>(GgufValue(true)), true);
  EXPECT_EQ(ConvertValue<int32_t>(GgufValue(true)), std::nullopt);
  EXPECT_EQ(ConvertValue<float>(GgufValue(0.25)), 0.25f);
  EXPECT_EQ(ConvertValue<int32_t>(GgufValue(1.0)), std::nullopt);
  EXPECT_EQ(ConvertValue<std::string_view>(GgufValue(std::string_view("a"))), "a");
  const GgufValue texts = std::vector<std::string_view>{"x", ""};
  EXPECT_EQ(ConvertValue<std::span<const std::string_view>>(texts)->size(), 2u);
  EXPECT_EQ(ConvertValue<std::string_view>(texts), std::nullopt);
  EXPECT_EQ(Describe(texts), "an array of strings");
}

TEST(GgufValue, AnArrayIsConvertedIfEveryElementFits) {
  const std::vector<float> floats = {1.5f, -2.0f};
  const std::vector<uint8_t> bytes = {255, 0};
  const std::vector<uint32_t> wide = {1, 3000000000};
  EXPECT_EQ(ConvertValue<std::vector<float>>(Array(GgufType::kFloat32, floats)), floats);
  EXPECT_EQ(ConvertValue<std::vector<int32_t>>(Array(GgufType::kFloat32, floats)), std::nullopt);
  EXPECT_EQ(ConvertValue<std::vector<int32_t>>(Array(GgufType::kUint8, bytes)),
            (std::vector<int32_t>{255, 0}));
  EXPECT_EQ(ConvertValue<std::vector<int32_t>>(Array(GgufType::kInt8, bytes)), (std::vector<int32_t>{-1, 0}));
  EXPECT_EQ(ConvertValue<std::vector<int32_t>>(Array(GgufType::kUint32, wide)), std::nullopt);
  EXPECT_EQ(Describe(Array(GgufType::kUint32, wide)), "an array of uint32");
}

TEST(GgufValue, TypesHaveNamesAndSizes) {
  EXPECT_EQ(GgufTypeName(GgufType::kFloat64), "float64");
  EXPECT_EQ(GgufTypeBytes(GgufType::kFloat64), 8u);
  EXPECT_EQ(GgufTypeBytes(GgufType::kBool), 1u);
  EXPECT_EQ(GgufTypeBytes(GgufType::kString), 0u);
}

}  // namespace
}  // namespace gemtune::io
