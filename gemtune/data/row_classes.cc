#include "gemtune/data/row_classes.h"

#include <optional>
#include <string>

#include "gemtune/data/label_text.h"

namespace gemtune::data {
namespace {

RowClass ClassOf(const RawLabels& raw, size_t i, const std::string& name, bool is_field) {
  if (Trimmed(name).empty()) FailLabel(raw, i, "the label is empty");
  return ClassName{name, is_field};
}

RowClass SingleClass(const RawLabels& raw, size_t i) {
  const RawLabel& value = raw.values[i];
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* truth = std::get_if<bool>(&value)) return *truth;
  if (const auto* name = std::get_if<std::string>(&value)) return ClassOf(raw, i, *name, false);
  if (const auto* field = std::get_if<CsvField>(&value)) return ClassOf(raw, i, field->text, true);
  if (const auto* number = std::get_if<double>(&value)) {
    const std::optional<int64_t> whole = WholeNumber(*number);
    if (!whole) FailLabel(raw, i, "label {} is not a class; numbers like it are for regression", *number);
    return *whole;
  }
  FailLabel(raw, i, "the label is a list; lists are for multi-label classification");
}

}  // namespace

void ListClasses(const RawLabels& raw, LabelKind kind, size_t i, std::vector<RowClass>& classes) {
  classes.clear();
  if (kind == LabelKind::kSingle) return classes.push_back(SingleClass(raw, i));
  const auto* list = std::get_if<std::vector<RawClass>>(&raw.values[i]);
  if (list == nullptr && std::holds_alternative<CsvField>(raw.values[i])) {
    FailLabel(raw, i, "CSV holds no lists of labels; use Parquet or JSONL for multi-label classification");
  }
  if (list == nullptr) FailLabel(raw, i, "the label is not a list; multi-label classification needs lists");
  for (const RawClass& item : *list) {
    const auto* integer = std::get_if<int64_t>(&item);
    classes.push_back(integer != nullptr ? RowClass(*integer)
                                         : ClassOf(raw, i, std::get<std::string>(item), false));
  }
}

}  // namespace gemtune::data
