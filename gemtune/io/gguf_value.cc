#include "gemtune/io/gguf_value.h"

#include <fmt/format.h>

#include <array>
#include <concepts>
#include <cstring>
#include <utility>

namespace gemtune::io {
namespace {

struct ValueTypeRow {
  std::string_view name;
  uint64_t bytes;  // of one value; 0: not of fixed size
};

// Indexed by GgufType.
constexpr std::array<ValueTypeRow, kNumGgufTypes> kValueTypes = {{
    {"uint8", 1},
    {"int8", 1},
    {"uint16", 2},
    {"int16", 2},
    {"uint32", 4},
    {"int32", 4},
    {"float32", 4},
    {"bool", 1},
    {"string", 0},
    {"array", 0},
    {"uint64", 8},
    {"int64", 8},
    {"float64", 8},
}};

struct Describer {
  std::string operator()(bool) const { return "a bool"; }
  std::string operator()(uint64_t value) const { return fmt::format("the integer {}", value); }
  std::string operator()(int64_t value) const { return fmt::format("the integer {}", value); }
  std::string operator()(double) const { return "a float"; }
  std::string operator()(std::string_view) const { return "a string"; }
  std::string operator()(const std::vector<std::string_view>&) const { return "an array of strings"; }
  std::string operator()(const GgufNumberArray& array) const {
    return fmt::format("an array of {}", GgufTypeName(array.element_type));
  }
};

// The elements as Ts, or nullopt if one does not fit.
template <typename Stored, typename T>
std::optional<std::vector<T>> Elements(const GgufNumberArray& array) {
  std::vector<T> values(array.size);
  for (uint64_t i = 0; i < array.size; ++i) {
    Stored stored;
    std::memcpy(&stored, array.data + i * sizeof stored, sizeof stored);
    if constexpr (std::integral<T>) {
      if (!std::in_range<T>(stored)) return std::nullopt;
    }
    values[i] = static_cast<T>(stored);  // NOLINT(bugprone-signed-char-misuse): int8 is a number here
  }
  return values;
}

std::optional<std::vector<float>> Floats(const GgufNumberArray& array) {
  if (array.element_type == GgufType::kFloat32) return Elements<float, float>(array);
  if (array.element_type == GgufType::kFloat64) return Elements<double, float>(array);
  return std::nullopt;
}

std::optional<std::vector<int32_t>> Integers(const GgufNumberArray& array) {
  switch (array.element_type) {
    case GgufType::kUint8:
      return Elements<uint8_t, int32_t>(array);
    case GgufType::kInt8:
      return Elements<int8_t, int32_t>(array);
    case GgufType::kUint16:
      return Elements<uint16_t, int32_t>(array);
    case GgufType::kInt16:
      return Elements<int16_t, int32_t>(array);
    case GgufType::kUint32:
      return Elements<uint32_t, int32_t>(array);
    case GgufType::kInt32:
      return Elements<int32_t, int32_t>(array);
    case GgufType::kUint64:
      return Elements<uint64_t, int32_t>(array);
    case GgufType::kInt64:
      return Elements<int64_t, int32_t>(array);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string_view GgufTypeName(GgufType type) {
  return kValueTypes.at(static_cast<size_t>(type)).name;
}

uint64_t GgufTypeBytes(GgufType type) {
  return kValueTypes.at(static_cast<size_t>(type)).bytes;
}

std::string Describe(const GgufValue& value) {
  return std::visit(Describer{}, value);
}

template <typename T>
std::string DescribeType() {
  if constexpr (std::same_as<T, bool>) return "a bool";
  if constexpr (std::floating_point<T>) return "a float";
  if constexpr (std::same_as<T, std::string_view>) return "a string";
  if constexpr (std::same_as<T, std::span<const std::string_view>>) return "an array of strings";
  if constexpr (std::same_as<T, std::vector<float>>) return "an array of floats";
  if constexpr (std::same_as<T, std::vector<int32_t>>) return "an array of integers that fit 32 bits";
  return fmt::format("an integer that fits {}int{}", std::unsigned_integral<T> ? "u" : "", 8 * sizeof(T));
}

template <typename T>
std::optional<T> ConvertValue(const GgufValue& value) {
  if constexpr (std::same_as<T, bool> || std::same_as<T, std::string_view>) {
    if (const auto* same = std::get_if<T>(&value)) return *same;
  } else if constexpr (std::integral<T>) {
    const auto* u = std::get_if<uint64_t>(&value);
    if (u != nullptr && std::in_range<T>(*u)) return static_cast<T>(*u);
    const auto* i = std::get_if<int64_t>(&value);
    if (i != nullptr && std::in_range<T>(*i)) return static_cast<T>(*i);
  } else if constexpr (std::floating_point<T>) {
    if (const auto* stored = std::get_if<double>(&value)) return static_cast<T>(*stored);
  } else if constexpr (std::same_as<T, std::span<const std::string_view>>) {
    if (const auto* strings = std::get_if<std::vector<std::string_view>>(&value)) return T(*strings);
  } else if (const auto* array = std::get_if<GgufNumberArray>(&value)) {
    if constexpr (std::same_as<T, std::vector<float>>) return Floats(*array);
    if constexpr (std::same_as<T, std::vector<int32_t>>) return Integers(*array);
  }
  return std::nullopt;
}

template std::optional<bool> ConvertValue(const GgufValue&);
template std::optional<int32_t> ConvertValue(const GgufValue&);
template std::optional<uint32_t> ConvertValue(const GgufValue&);
template std::optional<int64_t> ConvertValue(const GgufValue&);
template std::optional<uint64_t> ConvertValue(const GgufValue&);
template std::optional<float> ConvertValue(const GgufValue&);
template std::optional<double> ConvertValue(const GgufValue&);
template std::optional<std::string_view> ConvertValue(const GgufValue&);
template std::optional<std::span<const std::string_view>> ConvertValue(const GgufValue&);
template std::optional<std::vector<float>> ConvertValue(const GgufValue&);
template std::optional<std::vector<int32_t>> ConvertValue(const GgufValue&);

template std::string DescribeType<bool>();
template std::string DescribeType<int32_t>();
template std::string DescribeType<uint32_t>();
template std::string DescribeType<int64_t>();
template std::string DescribeType<uint64_t>();
template std::string DescribeType<float>();
template std::string DescribeType<double>();
template std::string DescribeType<std::string_view>();
template std::string DescribeType<std::span<const std::string_view>>();
template std::string DescribeType<std::vector<float>>();
template std::string DescribeType<std::vector<int32_t>>();

}  // namespace gemtune::io
