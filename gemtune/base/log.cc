#include "gemtune/base/log.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace gemtune::log {
namespace {

std::atomic<Level> lowest = Level::kInfo;
std::atomic<std::string (*)(std::string_view)> spell = nullptr;
std::atomic<bool> is_place_taken = false;  // by ShowInPlace's line

constexpr std::string_view kClear = "\r\x1b[K";

// The number of UTF-8 characters.
size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// How many bytes of `text` go on the next line: up to a gap, within `columns` characters if possible.
size_t LineBytes(std::string_view text, size_t columns) {
  size_t end = 0, width = 0;
  while (end < text.size() && width + Width(text.substr(end, 1)) <= columns)
    width += Width(text.substr(end++, 1));
  if (end == text.size()) return end;
  const std::string_view line = text.substr(0, end + 2);
  for (const std::string_view gap : {"  ", " "}) {
    const size_t at = line.substr(0, end + gap.size()).rfind(gap);
    if (at != line.npos && line.find_first_not_of(' ') < at) return at;
  }
  return std::min(text.find(' ', end), text.size());
}

}  // namespace

int TerminalColumns() {
  winsize size = {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string Wrapped(std::string_view text, size_t columns) {
  constexpr std::string_view kIndent = "  ";
  std::string lines;
  while (!text.empty()) {
    if (!lines.empty()) lines += fmt::format("\n{}", kIndent);
    const size_t bytes = LineBytes(text, lines.empty() ? columns : columns - kIndent.size());
    lines += text.substr(0, bytes);
    text.remove_prefix(std::min(text.find_first_not_of(' ', bytes), text.size()));
  }
  return lines;
}

void SetLevel(Level level) {
  lowest = level;
}

bool ShowsColors(int descriptor) {
  const char *no_color = std::getenv("NO_COLOR"), *terminal = std::getenv("TERM");
  return ::isatty(descriptor) != 0 && (no_color == nullptr || *no_color == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

bool ShowsProgress() {
  return ::isatty(STDERR_FILENO) != 0 && lowest.load() <= Level::kInfo;
}

void SetSpelling(std::string (*spelling)(std::string_view message)) {
  spell = spelling;
}

void ShowInPlace(std::string_view line) {
  const std::string text = fmt::format("{}{}", kClear, line);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  is_place_taken = true;
}

void ClearPlace() {
  if (is_place_taken.exchange(false)) std::fwrite(kClear.data(), 1, kClear.size(), stderr);
}

void Write(Level level, std::string_view message) {
  if (level < lowest) return;
  const std::string_view prefix = level == Level::kWarning ? "warning: "
                                  : level == Level::kError ? "error: "
                                                           : "";
  const auto spelling = spell.load();
  std::string line =
      fmt::format("{}{}", prefix, spelling == nullptr ? std::string(message) : spelling(message));
  const bool stays_whole = level == Level::kError || line.starts_with("  ");
  if (!stays_whole && ::isatty(STDERR_FILENO) != 0)
    line = Wrapped(line, static_cast<size_t>(std::max(TerminalColumns(), 20)));
  if (!prefix.empty() && ShowsColors(STDERR_FILENO))
    line = fmt::format("\x1b[{}m{}\x1b[0m{}", level == Level::kError ? "1;31" : "1;33",
                       prefix.substr(0, prefix.size() - 2), line.substr(prefix.size() - 2));
  if (is_place_taken.exchange(false)) line.insert(0, kClear);
  line += '\n';
  // Written at once, so that lines of several threads do not mix. A failure to write is ignored.
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace gemtune::log
