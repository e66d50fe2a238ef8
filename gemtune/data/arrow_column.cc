#include "gemtune/data/arrow_column.h"

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/data/arrow_status.h"

namespace gemtune::data {
namespace {

using arrow::Array;
using arrow::DataType;
using arrow::Type;

bool IsClassType(const DataType& type) {
  if (type.id() == Type::DICTIONARY) {
    return IsClassType(*static_cast<const arrow::DictionaryType&>(type).value_type());
  }
  return IsTextType(type) || arrow::is_integer(type.id()) || type.id() == Type::BOOL ||
         type.id() == Type::FLOAT || type.id() == Type::DOUBLE;
}

bool IsListType(const DataType& type) {
  return type.id() == Type::LIST || type.id() == Type::LARGE_LIST || type.id() == Type::FIXED_SIZE_LIST;
}

template <typename ArrowType>
auto ValueAt(const Array& array, int64_t i) {
  return static_cast<const arrow::NumericArray<ArrowType>&>(array).Value(i);
}

int64_t IntegerAt(const Array& array, int64_t i) {
  switch (array.type_id()) {
    case Type::INT8:
      return ValueAt<arrow::Int8Type>(array, i);
    case Type::INT16:
      return ValueAt<arrow::Int16Type>(array, i);
    case Type::INT32:
      return ValueAt<arrow::Int32Type>(array, i);
    case Type::INT64:
      return ValueAt<arrow::Int64Type>(array, i);
    case Type::UINT8:
      return ValueAt<arrow::UInt8Type>(array, i);
    case Type::UINT16:
      return ValueAt<arrow::UInt16Type>(array, i);
    case Type::UINT32:
      return ValueAt<arrow::UInt32Type>(array, i);
    default: {
      GEMTUNE_CHECK(array.type_id() == Type::UINT64);
      const uint64_t value = ValueAt<arrow::UInt64Type>(array, i);
      if (value > std::numeric_limits<int64_t>::max())
        Fail("{} is too large for an integer of 64 bits", value);
      return static_cast<int64_t>(value);
    }
  }
}

std::optional<RawClass> ClassAt(const Array& array, int64_t i) {
  if (array.IsNull(i)) return std::nullopt;
  if (array.type_id() == Type::DICTIONARY) {
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
    return ClassAt(*dictionary.dictionary(), dictionary.GetValueIndex(i));
  }
  if (IsTextType(*array.type())) return std::string(*TextAt(array, i));
  switch (array.type_id()) {
    case Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(i);
    case Type::FLOAT:
      return double{ValueAt<arrow::FloatType>(array, i)};
    case Type::DOUBLE:
      return ValueAt<arrow::DoubleType>(array, i);
    default:
      return IntegerAt(array, i);
  }
}

template <typename ListArray>
nlohmann::json JsonListAt(const Array& array, int64_t i) {
  const auto& list = static_cast<const ListArray&>(array);
  const auto begin = static_cast<int64_t>(list.value_offset(i));
  const auto length = static_cast<int64_t>(list.value_length(i));
  nlohmann::json items = nlohmann::json::array();
  for (int64_t k = begin; k < begin + length; ++k) items.push_back(JsonAt(*list.values(), k));
  return items;
}

nlohmann::json JsonStructAt(const Array& array, int64_t i) {
  const auto& fields = static_cast<const arrow::StructArray&>(array);
  nlohmann::json object = nlohmann::json::object();
  for (int k = 0; k < fields.num_fields(); ++k)
    object[fields.type()->field(k)->name()] = JsonAt(*fields.field(k), i);
  return object;
}

// The same layout with binary instead of text, which is not examined.
std::shared_ptr<arrow::ArrayData> AsBinary(const arrow::ArrayData& data) {
  const std::shared_ptr<arrow::ArrayData> copy = data.Copy();
  for (auto& child : copy->child_data) child = AsBinary(*child);
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (size_t k = 0; k < copy->child_data.size(); ++k)
    fields.push_back(data.type->field(static_cast<int>(k))->WithType(copy->child_data[k]->type));
  switch (data.type->id()) {
    case Type::STRING:
      copy->type = arrow::binary();
      break;
    case Type::LARGE_STRING:
      copy->type = arrow::large_binary();
      break;
    case Type::STRING_VIEW:
      copy->type = arrow::binary_view();
      break;
    case Type::LIST:
      copy->type = arrow::list(fields.front());
      break;
    case Type::LARGE_LIST:
      copy->type = arrow::large_list(fields.front());
      break;
    case Type::STRUCT:
      copy->type = arrow::struct_(fields);
      break;
    default:
      break;
  }
  return copy;
}

template <typename ListArray>
std::optional<RawLabel> ListAt(const Array& array, int64_t i) {
  const auto& list = static_cast<const ListArray&>(array);
  const auto begin = static_cast<int64_t>(list.value_offset(i));
  const auto length = static_cast<int64_t>(list.value_length(i));
  std::vector<RawClass> classes;
  for (int64_t k = begin; k < begin + length; ++k) {
    std::optional<RawClass> item = ClassAt(*list.values(), k);
    if (!item) return std::nullopt;
    classes.push_back(std::move(*item));
  }
  return classes;
}

}  // namespace

bool IsTextType(const DataType& type) {
  switch (type.id()) {
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
      return true;
    case Type::DICTIONARY:
      return IsTextType(*static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return false;
  }
}

bool IsLabelType(const DataType& type) {
  if (IsListType(type)) return IsClassType(*type.field(0)->type());
  return IsClassType(type);
}

bool IsJsonType(const DataType& type) {
  if (!IsListType(type) && type.id() != Type::STRUCT) return IsClassType(type);
  return std::ranges::all_of(type.fields(), [](const auto& field) { return IsJsonType(*field->type()); });
}

nlohmann::json JsonAt(const Array& array, int64_t i) {
  if (array.IsNull(i)) return nullptr;
  switch (array.type_id()) {
    case Type::LIST:
      return JsonListAt<arrow::ListArray>(array, i);
    case Type::LARGE_LIST:
      return JsonListAt<arrow::LargeListArray>(array, i);
    case Type::FIXED_SIZE_LIST:
      return JsonListAt<arrow::FixedSizeListArray>(array, i);
    case Type::STRUCT:
      return JsonStructAt(array, i);
    default:
      return std::visit([](auto&& value) { return nlohmann::json(value); }, *ClassAt(array, i));
  }
}

void CheckArray(const std::string& path, const Array& array) {
  CheckArrow(path, arrow::MakeArray(AsBinary(*array.data()))->ValidateFull());
}

std::optional<std::string_view> TextAt(const Array& array, int64_t i) {
  if (array.IsNull(i)) return std::nullopt;
  switch (array.type_id()) {
    case Type::DICTIONARY: {
      const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
      return TextAt(*dictionary.dictionary(), dictionary.GetValueIndex(i));
    }
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return static_cast<const arrow::LargeBinaryArray&>(array).GetView(i);
    case Type::STRING_VIEW:
    case Type::BINARY_VIEW:
      return static_cast<const arrow::BinaryViewArray&>(array).GetView(i);
    default:
      return static_cast<const arrow::BinaryArray&>(array).GetView(i);
  }
}

std::optional<RawLabel> LabelAt(const Array& array, int64_t i) {
  if (array.IsNull(i)) return std::nullopt;
  switch (array.type_id()) {
    case Type::LIST:
      return ListAt<arrow::ListArray>(array, i);
    case Type::LARGE_LIST:
      return ListAt<arrow::LargeListArray>(array, i);
    case Type::FIXED_SIZE_LIST:
      return ListAt<arrow::FixedSizeListArray>(array, i);
    default: {
      std::optional<RawClass> value = ClassAt(array, i);
      if (!value) return std::nullopt;
      return std::visit([](auto&& known) { return RawLabel(std::forward<decltype(known)>(known)); },
                        std::move(*value));
    }
  }
}

}  // namespace gemtune::data
