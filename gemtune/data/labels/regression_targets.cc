#include "gemtune/data/labels/regression_targets.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "gemtune/data/labels/label_text.h"
#include "gemtune/data/labels/row_classes.h"

namespace gemtune::data {
namespace {

bool HasDecimalComma(std::string text) {
  if (std::count(text.begin(), text.end(), ',') != 1) return false;
  std::replace(text.begin(), text.end(), ',', '.');
  return NumberOf(text).has_value();
}

std::string_view CureOf(const std::string& text) {
  if (HasDecimalComma(text)) return "; write the decimal point as '.'";
  return LooksLikeList(text) ? "; several numbers a row are to be a list, in Parquet or JSON Lines" : "";
}

[[noreturn]] void FailText(const RawLabels& raw, size_t i, const std::string& text) {
  if (Trimmed(text).empty()) FailLabel(raw, i, "the label is empty");
  if (NumberOf(text)) {
    FailLabel(raw, i, "label '{}' is a string, not a number, which regression needs", Printable(text));
  }
  FailLabel(raw, i, "label '{}' is not a number, which regression needs{}", Printable(text), CureOf(text));
}

double NumberOfField(const RawLabels& raw, size_t i, const std::string& text) {
  if (const std::optional<bool> truth = TruthOf(text)) return *truth ? 1 : 0;
  const std::optional<double> number = NumberOf(text);
  if (!number) FailText(raw, i, text);
  return *number;
}

// A row's label or an item of its list.
template <typename Value>
double NumberOfValue(const RawLabels& raw, size_t i, const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? 1 : 0;
  if constexpr (std::is_same_v<Value, RawLabel>) {
    if (const auto* field = std::get_if<CsvField>(&value)) return NumberOfField(raw, i, field->text);
  }
  FailText(raw, i, std::get<std::string>(value));
}

float Finite(const RawLabels& raw, size_t i, double number) {
  if (std::isnan(number)) FailLabel(raw, i, "label {} is not a number, which regression needs", number);
  const auto target = static_cast<float>(number);
  if (!std::isfinite(target))
    FailLabel(raw, i, "label {} is not finite in 32 bits, which regression needs", number);
  return target;
}

}  // namespace

LabelSet FindOutputs(const RawLabels& raw, const BadRows* bad) {
  size_t numbers = 0;
  std::map<size_t, size_t> lists;  // rows by length
  for (size_t i = 0; i < raw.values.size(); ++i) {
    if (bad != nullptr && bad->contains(i)) continue;
    const auto* list = std::get_if<std::vector<RawClass>>(&raw.values[i]);
    if (list == nullptr) {
      ++numbers;
    } else if (!list->empty()) {
      ++lists[list->size()];
    }
  }
  const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto most = std::max_element(lists.begin(), lists.end(), fewer);
  if (most == lists.end() || numbers > most->second) return {};
  return {NumberedNames(most->first)};
}

void ReadTargets(const RawLabels& raw, size_t i, std::span<float> targets) {
  const RawLabel& label = raw.values[i];
  const auto* list = std::get_if<std::vector<RawClass>>(&label);
  const size_t count = list == nullptr ? 1 : list->size();
  if (count != targets.size()) {
    FailLabel(raw, i, "the label is {} number{}, needed are {}, one an output", count, count == 1 ? "" : "s",
              targets.size());
  }
  if (list == nullptr) {
    targets[0] = Finite(raw, i, NumberOfValue(raw, i, label));
    return;
  }
  for (size_t k = 0; k < count; ++k) targets[k] = Finite(raw, i, NumberOfValue(raw, i, (*list)[k]));
}

}  // namespace gemtune::data
