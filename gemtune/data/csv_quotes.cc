#include "gemtune/data/csv_quotes.h"

#include <optional>

namespace gemtune::data {
namespace {

constexpr size_t kCut = std::string_view::npos;

// The position where the quotes open at `begin` are closed.
size_t PassQuoted(std::string_view text, size_t begin) {
  size_t at = text.find('"', begin + 1);
  while (at != kCut && at + 1 < text.size() && text[at + 1] == '"') at = text.find('"', at + 2);
  return at == kCut ? kCut : at + 1;
}

// The number of lines of a quoted field that holds delimiters and line ends, else 0.
int64_t RunawayLines(std::string_view field, char delimiter) {
  if (field.find(delimiter) == kCut) return 0;
  LineCounter counter;
  counter.Add(field);
  return counter.lines() == 0 ? 0 : counter.lines() + 1;
}

bool EndsField(char c, char delimiter) {
  return c == delimiter || c == '\r' || c == '\n';
}

// Jumps from quote to quote, which is many times faster than counting rows.
bool HasRunawayField(std::string_view text, char delimiter) {
  for (size_t at = text.find('"'); at != kCut; at = text.find('"', at)) {
    if (at > 0 && !EndsField(text[at - 1], delimiter)) {
      ++at;
      continue;
    }
    const size_t end = PassQuoted(text, at);
    if (end == kCut) return false;
    if (RunawayLines(text.substr(at, end - at), delimiter) > 0) return true;
    at = end;
  }
  return false;
}

}  // namespace

void LineCounter::Add(std::string_view text) {
  if (text.empty()) return;
  if (after_return_ && text.front() == '\n') --lines_;
  for (size_t at = text.find('\n'); at != kCut; at = text.find('\n', at + 1)) ++lines_;
  for (size_t at = text.find('\r'); at != kCut; at = text.find('\r', at + 1)) {
    if (at + 1 == text.size() || text[at + 1] != '\n') ++lines_;
  }
  after_return_ = text.back() == '\r';
}

std::vector<RunawayField> FindRunawayFields(std::string_view text, char delimiter) {
  std::vector<RunawayField> found;
  if (!HasRunawayField(text, delimiter)) return found;
  std::optional<RunawayField> in_row;
  bool at_row_start = true;
  int64_t row = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') {
      const size_t end = PassQuoted(text, at);
      if (end == kCut) break;
      const int64_t lines = RunawayLines(text.substr(at, end - at), delimiter);
      if (lines > 0 && !in_row) in_row = RunawayField{row, at, lines};
      at_row_start = false;
      at = end;
    }
    const size_t begin = at;
    while (at < text.size() && !EndsField(text[at], delimiter)) ++at;
    if (at == text.size()) break;
    if (text[at] == delimiter) {
      at_row_start = false;
      continue;
    }
    if (!at_row_start || at > begin) ++row;
    at_row_start = true;
    if (in_row) found.push_back(*in_row);
    in_row.reset();
  }
  return found;
}

}  // namespace gemtune::data
