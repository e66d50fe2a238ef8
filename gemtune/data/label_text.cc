#include "gemtune/data/label_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

namespace gemtune::data {

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseWholeNumber(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const size_t digits = static_cast<size_t>(end - text.data());
  if (text.substr(0, digits) != std::to_string(value)) return std::nullopt;
  const std::string_view rest = text.substr(digits);
  const bool zeros = rest.size() > 1 && rest[0] == '.' && rest.find_first_not_of('0', 1) == rest.npos;
  return rest.empty() || zeros ? std::optional(value) : std::nullopt;
}

bool IsFraction(std::string_view text) {
  const std::optional<double> number = ParseNumber(text);
  return number && std::trunc(*number) != *number;
}

bool MarksMissing(std::string_view text) {
  constexpr std::array<std::string_view, 9> kMarkers = {"NA",   "N/A",  "NaN",  "nan", "null",
                                                        "NULL", "None", "none", "?"};
  return std::find(kMarkers.begin(), kMarkers.end(), text) != kMarkers.end();
}

}  // namespace gemtune::data
