#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"

namespace gemtune::data {

/// The kinds of faults that a summary of bad rows distinguishes.
enum class RowFault : uint8_t {
  kMalformed,
  kNoColumn,
  kNull,
  kWrongType,
  kNotUtf8,
  kTooLong,
  kNoTokens,
  kBadLabel,
  kBadConversation
};

/// A row that cannot be used: an Error that begins with "<file>: row <number>: ".
class RowError : public Error {
 public:
  RowError(const std::string& path, int64_t row, RowFault fault, const std::string& what);

  RowFault fault() const { return fault_; }

 private:
  RowFault fault_;
};

/// Throws RowError with a formatted message.
template <typename... Args>
[[noreturn]] void FailRow(const std::string& path, int64_t row, RowFault fault,
                          fmt::format_string<Args...> format, Args&&... args) {
  throw RowError(path, row, fault, fmt::format(format, std::forward<Args>(args)...));
}

/// Rows that cannot be used, by their index among those that were read.
using BadRows = std::map<size_t, RowError>;

/// Calls visit() for row i. If `bad` is given, a RowError is stored there instead of thrown, and a row that
/// is in it already is skipped.
template <typename Visit>
void Guard(size_t i, BadRows* bad, Visit&& visit) {
  if (bad == nullptr) return visit();
  if (!bad->empty() && bad->contains(i)) return;
  try {
    visit();
  } catch (const RowError& error) {
    bad->emplace(i, error);
  }
}

/// Whether a row that cannot be used is an error or is skipped.
enum class OnBadRow : uint8_t { kError, kSkip };

/// A skipped row.
struct SkippedRow {
  int64_t before = 0;  // number of examples before it
  RowFault fault = RowFault::kMalformed;
  std::string message;  // of the RowError
  bool operator==(const SkippedRow&) const = default;
};

/// `num_rows` 0: not known. One line: "rows.csv: skipped 3 of 1000 rows (2 null, 1 not UTF-8); the first:
/// rows.csv: row 17: 'text' is null". `skipped` holds at least one.
std::string SkippedSummary(const std::string& source, int64_t num_rows,
                           const std::vector<SkippedRow>& skipped);

}  // namespace gemtune::data
