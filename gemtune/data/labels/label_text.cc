#include "gemtune/data/labels/label_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace gemtune::data {
namespace {

// Trimmed and without a plus, which from_chars does not take.
std::string_view NumberText(std::string_view text) {
  text = Trimmed(text);
  const bool has_plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  return has_plus ? text.substr(1) : text;
}

// What NumberText begins with: an integer, and what stands behind it.
struct LeadingInteger {
  int64_t value = 0;
  std::string_view digits;
  std::string_view rest;
};

std::optional<LeadingInteger> ParseLeadingInteger(std::string_view number) {
  LeadingInteger parsed;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), parsed.value);
  if (error != std::errc()) return std::nullopt;
  const auto length = static_cast<size_t>(end - number.data());
  parsed.digits = number.substr(0, length);
  if (parsed.digits[0] == '-') parsed.digits.remove_prefix(1);
  parsed.rest = number.substr(length);
  return parsed;
}

bool IsZeroFraction(std::string_view rest) {
  return rest.empty() || (rest.size() > 1 && rest[0] == '.' && rest.find_first_not_of('0', 1) == rest.npos);
}

}  // namespace

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kSpace);
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

std::optional<double> NumberOf(std::string_view text) {
  const std::string_view number = NumberText(text);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<int64_t> IntegerOf(std::string_view text) {
  const std::optional<LeadingInteger> parsed = ParseLeadingInteger(NumberText(text));
  if (parsed && IsZeroFraction(parsed->rest)) return parsed->value;
  const std::optional<double> number = NumberOf(text);
  return number ? WholeNumber(*number) : std::nullopt;
}

std::optional<int64_t> PlainIntegerOf(std::string_view text) {
  const std::optional<LeadingInteger> parsed = ParseLeadingInteger(NumberText(text));
  if (!parsed || !IsZeroFraction(parsed->rest)) return std::nullopt;
  const bool has_leading_zero = parsed->digits.size() > 1 && parsed->digits[0] == '0';
  return has_leading_zero ? std::nullopt : std::optional(parsed->value);
}

std::optional<int64_t> WholeNumber(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: up to here every integer is a double
  if (std::trunc(value) != value || std::fabs(value) > kExact) return std::nullopt;
  return static_cast<int64_t>(value);
}

bool IsFraction(std::string_view text) {
  const std::optional<double> number = NumberOf(text);
  return number && std::trunc(*number) != *number;
}

std::optional<bool> TruthOf(std::string_view text) {
  text = Trimmed(text);
  if (text == "True" || text == "TRUE" || text == "true") return true;
  if (text == "False" || text == "FALSE" || text == "false") return false;
  return std::nullopt;
}

std::string_view TruthName(bool truth) {
  return truth ? "True" : "False";
}

bool LooksLikeList(std::string_view text) {
  text = Trimmed(text);
  if (text.size() < 2) return false;
  const bool is_list = text.front() == '[' && text.back() == ']';
  const bool is_table = text.front() == '{' && text.back() == '}';
  if (!is_list && !is_table) return false;
  const std::string_view inside = Trimmed(text.substr(1, text.size() - 2));
  return inside.empty() || inside.find_first_of(",:'\"") != inside.npos || NumberOf(inside);
}

std::vector<std::string> NumberedNames(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(fmt::format("LABEL_{}", i));
  return names;
}

std::optional<int64_t> LabelNumberOf(std::string_view name) {
  constexpr std::string_view kPrefix = "LABEL_";
  return name.starts_with(kPrefix) ? PlainIntegerOf(name.substr(kPrefix.size())) : std::nullopt;
}

bool IsMissingToPandas(std::string_view text) {
  constexpr std::array<std::string_view, 18> kMarkers = {
      "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
      "<NA>", "N/A",      "NA",  "NULL",    "NaN",      "None", "n/a",  "nan",    "null"};
  return std::find(kMarkers.begin(), kMarkers.end(), text) != kMarkers.end();
}

bool MarksMissing(std::string_view text) {
  text = Trimmed(text);
  return IsMissingToPandas(text) || text == "none" || text == "?";
}

}  // namespace gemtune::data
