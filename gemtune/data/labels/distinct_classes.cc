#include "gemtune/data/labels/distinct_classes.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "gemtune/data/labels/label_text.h"

namespace gemtune::data {
namespace {

// In a column of numbers or booleans, which is what `among` says.
void RefuseFieldsWithoutClass(const RawLabels& raw, std::string_view among, BadRows* bad) {
  for (size_t i = 0; i < raw.values.size(); ++i) {
    const auto* field = std::get_if<CsvField>(&raw.values[i]);
    if (field == nullptr) continue;
    Guard(i, bad, [&] {
      if (MarksMissing(field->text))
        FailLabel(raw, i, "label '{}' among {}; remove the row, or name all classes", Printable(field->text),
                  among);
      if (IsFraction(field->text))
        FailLabel(raw, i, "label {} is not a class; numbers like it are for regression",
                  Printable(Trimmed(field->text)));
    });
  }
}

bool AllSpellTruth(const std::map<std::string, size_t, std::less<>>& names) {
  return std::all_of(names.begin(), names.end(), [](const auto& name) { return TruthOf(name.first); });
}

}  // namespace

DistinctClasses FindDistinct(const RowClasses& rows) {
  DistinctClasses distinct;
  rows.ForEach([&](size_t i, const RowClass& row_class) {
    if (const auto* integer = std::get_if<int64_t>(&row_class)) {
      distinct.integers.emplace(*integer, i);
      return;
    }
    if (const auto* truth = std::get_if<bool>(&row_class)) {
      distinct.booleans.emplace(*truth, i);
      return;
    }
    const ClassName& name = std::get<ClassName>(row_class);
    auto& known = name.is_field ? distinct.fields : distinct.names;
    if (known.find(name.text) == known.end()) known.emplace(name.text, i);
  });
  return distinct;
}

bool HasNameField(const DistinctClasses& distinct) {
  return std::any_of(distinct.fields.begin(), distinct.fields.end(), [](const auto& field) {
    const std::string& text = field.first;
    return !PlainIntegerOf(text) && !TruthOf(text) && !IsFraction(text) && !MarksMissing(text);
  });
}

void ResolveFields(const RawLabels& raw, DistinctClasses& distinct, BadRows* bad) {
  std::map<int64_t, size_t> integers;
  std::map<bool, size_t> booleans;
  size_t fractions = 0;
  for (const auto& [field, row] : distinct.fields) {
    if (const std::optional<int64_t> integer = PlainIntegerOf(field)) {
      integers.emplace(*integer, row);
    } else if (const std::optional<bool> truth = TruthOf(field)) {
      booleans.emplace(*truth, row);
    } else if (IsFraction(field)) {
      ++fractions;
    }
  }
  const bool has_numbers = !integers.empty() || fractions > 0;
  const bool has_name = HasNameField(distinct);
  const bool are_numbers = !has_name && has_numbers && distinct.names.empty();
  const bool are_booleans = !has_name && !has_numbers && !booleans.empty() && AllSpellTruth(distinct.names);
  if (!are_numbers && !are_booleans) return distinct.names.merge(distinct.fields);
  RefuseFieldsWithoutClass(raw, are_numbers ? "numbers" : "booleans", bad);
  distinct.integers.merge(integers);
  distinct.booleans.merge(booleans);
}

void ResolveBooleans(DistinctClasses& distinct) {
  if (distinct.booleans.empty()) return;
  if (!distinct.integers.empty()) {
    for (const auto& [truth, row] : distinct.booleans) distinct.integers.emplace(truth ? 1 : 0, row);
    distinct.booleans.clear();
  } else if (AllSpellTruth(distinct.names)) {
    for (const auto& [name, row] : distinct.names) distinct.booleans.emplace(*TruthOf(name), row);
    distinct.names.clear();
  }
}

}  // namespace gemtune::data
