#include "gemtune/data/labels/row_classes.h"

#include <optional>
#include <string>

#include "gemtune/data/labels/label_text.h"
#include "gemtune/data/labels/multi_hot.h"

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

RowClasses::RowClasses(const RawLabels& raw, LabelKind kind, std::optional<size_t> num_classes, BadRows* bad)
    : raw_(raw), kind_(kind), bad_(bad) {
  if (kind == LabelKind::kMultiLabel) multi_hot_length_ = MultiHotLength(raw, num_classes, bad);
}

RowClass RowClasses::ItemClass(size_t i, const RawClass& item) const {
  if (const auto* integer = std::get_if<int64_t>(&item)) return *integer;
  if (const auto* name = std::get_if<std::string>(&item)) return ClassOf(raw_, i, *name, false);
  FailLabel(
      raw_, i,
      "the label is a list with a float or a boolean in it, which says of each class whether it applies; "
      "those of other rows are of ids or names");
}

void RowClasses::List(size_t i, std::vector<RowClass>& classes) const {
  classes.clear();
  if (kind_ == LabelKind::kSingle) return classes.push_back(SingleClass(raw_, i));
  const auto* list = std::get_if<std::vector<RawClass>>(&raw_.values[i]);
  if (list == nullptr && std::holds_alternative<CsvField>(raw_.values[i])) {
    FailLabel(raw_, i, "CSV holds no lists of labels; use Parquet or JSONL for multi-label classification");
  }
  if (list == nullptr) FailLabel(raw_, i, "the label is not a list; multi-label classification needs lists");
  if (multi_hot_length_ > 0) {
    for (const size_t place : PlacesOfOnes(raw_, i, *list, multi_hot_length_))
      classes.emplace_back(ClassPlace{place});
  } else {
    for (const RawClass& item : *list) classes.push_back(ItemClass(i, item));
  }
}

}  // namespace gemtune::data
