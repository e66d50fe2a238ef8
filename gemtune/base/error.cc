#include "gemtune/base/error.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace gemtune {

std::string Printable(std::string_view text, size_t max_bytes) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == max_bytes) return out + "...";
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += text[i];
    }
  }
  return out;
}

namespace {

// Levenshtein's distance, one row at a time.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

}  // namespace

std::string DidYouMean(std::string_view typed, const std::vector<std::string>& known, bool however_far) {
  constexpr size_t kLongestName = 200;  // nobody mistypes more, and the comparison is quadratic
  if (typed.size() > kLongestName) return "";
  const std::string* best = nullptr;
  size_t best_distance = however_far ? SIZE_MAX : std::max<size_t>(2, typed.size() / 3) + 1;
  for (const std::string& name : known) {
    // A lower bound of the distance, which avoids comparing a megabyte of text with a thousand short names.
    if (std::max(typed.size(), name.size()) - std::min(typed.size(), name.size()) >= best_distance) continue;
    const size_t distance = EditDistance(typed, name);
    if (distance < best_distance) {
      best_distance = distance;
      best = &name;
    }
  }
  return best == nullptr ? "" : fmt::format(" (did you mean '{}'?)", Printable(*best));
}

std::string Listed(const std::vector<std::string>& names, size_t max_names) {
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), max_names); ++i) {
    if (i > 0) list += ", ";
    list += fmt::format("'{}'", Printable(names[i]));
  }
  if (names.size() > max_names) list += fmt::format(", ... ({} in all)", names.size());
  return list;
}

namespace internal {

void CheckFailed(const char* condition, const char* file, int line) {
  throw std::logic_error(fmt::format("{}:{}: check failed: {}", file, line, condition));
}

}  // namespace internal
}  // namespace gemtune
