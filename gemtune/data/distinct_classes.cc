#include "gemtune/data/distinct_classes.h"

#include <optional>

#include "gemtune/data/label_text.h"
#include "gemtune/data/row_classes.h"

namespace gemtune::data {
namespace {

// In a column of numbers.
void RefuseFieldsWithoutClass(const RawLabels& raw, BadRows* bad) {
  for (size_t i = 0; i < raw.values.size(); ++i) {
    const auto* field = std::get_if<CsvField>(&raw.values[i]);
    if (field == nullptr) continue;
    Guard(i, bad, [&] {
      if (MarksMissing(field->text))
        FailLabel(raw, i, "label '{}' among numbers; remove the row, or name all classes",
                  Printable(field->text));
      if (IsFraction(field->text))
        FailLabel(raw, i, "label {} is not a class; numbers like it are for regression",
                  Printable(Trimmed(field->text)));
    });
  }
}

}  // namespace

DistinctClasses FindDistinct(const RawLabels& raw, LabelKind kind, BadRows* bad) {
  DistinctClasses distinct;
  ForEachClass(raw, kind, bad, [&](size_t i, const RowClass& row_class) {
    if (const auto* integer = std::get_if<int64_t>(&row_class)) {
      distinct.integers.emplace(*integer, i);
      return;
    }
    const ClassName& name = std::get<ClassName>(row_class);
    auto& known = name.is_field ? distinct.fields : distinct.names;
    if (known.find(name.text) == known.end()) known.emplace(name.text, i);
  });
  return distinct;
}

void ResolveFields(const RawLabels& raw, DistinctClasses& distinct, BadRows* bad) {
  std::map<int64_t, size_t> integers;
  size_t fractions = 0, others = 0;
  for (const auto& field : distinct.fields) {
    if (const std::optional<int64_t> whole = PlainIntegerOf(field.first)) {
      integers.emplace(*whole, field.second);
    } else if (IsFraction(field.first)) {
      ++fractions;
    } else if (!MarksMissing(field.first)) {
      ++others;
    }
  }
  const bool numbers = others == 0 && distinct.names.empty() && (!integers.empty() || fractions > 0);
  if (!numbers) return distinct.names.merge(distinct.fields);
  RefuseFieldsWithoutClass(raw, bad);
  distinct.integers.merge(integers);
}

}  // namespace gemtune::data
