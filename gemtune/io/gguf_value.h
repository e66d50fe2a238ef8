#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gemtune::io {

/// Types of GGUF metadata values, by their numbers in the file.
enum class GgufType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

/// An array of anything but strings, as stored in the file.
struct GgufNumberArray {
  GgufType element_type = GgufType::kUint8;
  uint64_t size = 0;                // elements
  const std::byte* data = nullptr;  // possibly unaligned
};

/// One metadata value. Integers of every width are widened; texts and arrays are views of the mapped file.
using GgufValue = std::variant<bool, uint64_t, int64_t, double, std::string_view,
                               std::vector<std::string_view>, GgufNumberArray>;

inline constexpr uint32_t kNumGgufTypes = 13;

/// "uint8", "array"
std::string_view GgufTypeName(GgufType type);

/// Bytes of one value; 0 for strings and arrays.
uint64_t GgufTypeBytes(GgufType type);

/// The value as a T, which is one of the types that GgufFile::Optional lists; nullopt if it has another type
/// or does not fit.
template <typename T>
std::optional<T> ConvertValue(const GgufValue& value);

/// For messages: "the integer 5", "an array of uint32"
std::string Describe(const GgufValue& value);

/// The values that ConvertValue<T> accepts, for messages: "an integer that fits int32"
template <typename T>
std::string DescribeType();

}  // namespace gemtune::io
