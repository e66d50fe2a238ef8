#pragma once

#include <cstdint>
#include <string_view>

namespace gemtune {

/// Element types of stored tensors, named as in safetensors.
enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool, kF8E4M3, kF8E5M2 };

/// Bytes of one element.
int64_t ElementSize(DType dtype);

/// safetensors' name: "F32", "BF16", ...
std::string_view DTypeName(DType dtype);

/// The inverse of DTypeName. Throws Error for a name that is not in the table.
DType ParseDType(std::string_view name);

}  // namespace gemtune
