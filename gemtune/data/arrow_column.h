#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "gemtune/data/table.h"

namespace gemtune::data {

/// True for strings in any of Arrow's layouts (plain, large, view, dictionary), and for binary, which old
/// writers use for strings.
bool IsTextType(const arrow::DataType& type);

/// True for types that a RawLabel can hold: integers, floats, booleans, text, and lists of these.
bool IsLabelType(const arrow::DataType& type);

/// True for types that JsonAt can convert: text, numbers, booleans, and lists and structs of these.
bool IsJsonType(const arrow::DataType& type);

/// Throws Error if the array's offsets or indices lead out of its buffers, which Arrow does not check when it
/// reads a damaged file. The reader checks whether text is UTF-8, because it knows the row.
void CheckArray(const std::string& path, const arrow::Array& array);

/// Value `i` of an array whose type IsTextType; nullopt for a null. Valid as long as the array.
std::optional<std::string_view> TextAt(const arrow::Array& array, int64_t i);

/// Value `i` of an array whose type IsJsonType, as json.loads would give it.
nlohmann::json JsonAt(const arrow::Array& array, int64_t i);

/// Value `i` of an array whose type IsLabelType; nullopt for a null and for a list with a null in it. Throws
/// Error for an integer that exceeds 63 bits.
std::optional<RawLabel> LabelAt(const arrow::Array& array, int64_t i);

}  // namespace gemtune::data
