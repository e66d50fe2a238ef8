#include "gemtune/data/labels/loss_weights.h"

#include <cmath>
#include <optional>
#include <string>

#include "gemtune/base/error.h"
#include "gemtune/data/labels/label_text.h"

namespace gemtune::data {
namespace {

std::optional<double> NumberIn(const RawLabel& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* field = std::get_if<CsvField>(&value)) return NumberOf(field->text);
  return std::nullopt;
}

}  // namespace

std::vector<float> ReadLossWeights(const std::vector<RawLabel>& values, const RawLabels& raw, BadRows* bad) {
  GEMTUNE_CHECK(values.size() == raw.places.size());
  std::vector<float> weights(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    Guard(i, bad, [&] {
      const std::optional<double> number = NumberIn(values[i]);
      const float weight = number ? static_cast<float>(*number) : NAN;
      if (!std::isfinite(weight) || weight < 0) {
        const RawLabels::Place& place = raw.places[i];
        FailRow(raw.files[place.file].path.string(), place.row, RowFault::kBadLabel,
                "the loss weight is {}; it must be a number from 0 on",
                number ? fmt::format("{}", *number) : "not a number");
      }
      weights[i] = weight;
    });
  }
  return weights;
}

}  // namespace gemtune::data
