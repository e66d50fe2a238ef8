#include "gemtune/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace gemtune::log {
namespace {

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("gemtune", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::info);
    return made;
  }();
  return *logger;
}

// Characters of UTF-8.
size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Bytes of `text` that make a line: up to a gap, of at most `columns` characters if there is one.
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
  Logger().set_level(ToSpdlog(level));
}

void Write(Level level, std::string_view message) {
  const std::string_view prefix = level == Level::kWarning ? "warning: "
                                  : level == Level::kError ? "error: "
                                                           : "";
  std::string line = fmt::format("{}{}", prefix, message);
  const bool stays_whole = level == Level::kError || line.starts_with("  ");
  if (!stays_whole && ::isatty(STDERR_FILENO) != 0)
    line = Wrapped(line, static_cast<size_t>(std::max(TerminalColumns(), 20)));
  Logger().log(ToSpdlog(level), "{}", line);
}

}  // namespace gemtune::log
