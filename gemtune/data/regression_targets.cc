#include "gemtune/data/regression_targets.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "gemtune/data/label_text.h"
#include "gemtune/data/row_classes.h"

namespace gemtune::data {
namespace {

bool HasDecimalComma(std::string text) {
  if (std::count(text.begin(), text.end(), ',') != 1) return false;
  std::replace(text.begin(), text.end(), ',', '.');
  return NumberOf(text).has_value();
}

[[noreturn]] void FailText(const RawLabels& raw, size_t i, const std::string& text) {
  if (Trimmed(text).empty()) FailLabel(raw, i, "the label is empty");
  if (NumberOf(text)) {
    FailLabel(raw, i, "label '{}' is a string, not a number, which regression needs", Printable(text));
  }
  FailLabel(raw, i, "label '{}' is not a number, which regression needs{}", Printable(text),
            HasDecimalComma(text) ? "; write the decimal point as '.'" : "");
}

double NumberOfRow(const RawLabels& raw, size_t i) {
  const RawLabel& label = raw.values[i];
  if (const auto* integer = std::get_if<int64_t>(&label)) return static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&label)) return *number;
  if (const auto* truth = std::get_if<bool>(&label)) return *truth ? 1 : 0;
  if (const auto* text = std::get_if<std::string>(&label)) FailText(raw, i, *text);
  if (const auto* field = std::get_if<CsvField>(&label)) {
    if (const auto truth = TruthOf(field->text)) return *truth ? 1 : 0;
    const std::optional<double> number = NumberOf(field->text);
    if (!number) FailText(raw, i, field->text);
    return *number;
  }
  FailLabel(raw, i, "the label is a list, not a number, which regression needs");
}

}  // namespace

float RegressionTarget(const RawLabels& raw, size_t i) {
  const double number = NumberOfRow(raw, i);
  if (std::isnan(number)) FailLabel(raw, i, "label {} is not a number, which regression needs", number);
  const auto target = static_cast<float>(number);
  if (!std::isfinite(target)) {
    FailLabel(raw, i, "label {} is not finite in 32 bits, which regression needs", number);
  }
  return target;
}

}  // namespace gemtune::data
