#include "gemtune/data/bad_row.h"

#include <fmt/ranges.h>

#include <array>

namespace gemtune::data {
namespace {

// By RowFault.
constexpr std::array<std::string_view, 9> kFaults = {
    "malformed",         "without the column", "null",
    "of the wrong type", "not UTF-8",          "too long",
    "no tokens",         "of no usable label", "of no usable conversation"};

}  // namespace

RowError::RowError(const std::string& path, int64_t row, RowFault fault, const std::string& what)
    : Error(fmt::format("{}: row {}: {}", path, row, what)), fault_(fault) {}

std::string SkippedSummary(const std::string& source, int64_t num_rows,
                           const std::vector<SkippedRow>& skipped) {
  std::array<int64_t, kFaults.size()> counts{};
  for (const SkippedRow& row : skipped) ++counts.at(static_cast<size_t>(row.fault));
  std::vector<std::string> parts;
  for (size_t fault = 0; fault < counts.size(); ++fault) {
    if (counts[fault] > 0) parts.push_back(fmt::format("{} {}", counts[fault], kFaults[fault]));
  }
  const std::string of = num_rows > 0 ? fmt::format(" of {}", num_rows) : "";
  return fmt::format("{}: skipped {}{} rows ({}); the first: {}", source, skipped.size(), of,
                     fmt::join(parts, ", "), skipped.front().message);
}

}  // namespace gemtune::data
