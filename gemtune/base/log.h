#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace gemtune::log {

enum class Level { kDebug, kInfo, kWarning, kError };

/// Messages below this level are dropped. The default is kInfo.
void SetLevel(Level level);

/// How messages are spelled: the library calls an option by its field in backticks (`max_length`), and a
/// program shows it as its user types it. The default leaves them as they are.
void SetSpelling(std::string (*spelling)(std::string_view message));

/// Writes one line to standard error, since standard output belongs to results. Where that is a terminal, a
/// longer message takes as many lines as it needs; an error stays one line, as does what begins with two
/// spaces (a command to copy).
void Write(Level level, std::string_view message);

/// The columns of the terminal that standard error is, 80 where it does not tell.
int TerminalColumns();

/// Lines of at most `columns` characters, the later ones indented by two: broken between parts, which two
/// spaces part, else between words. A longer word keeps a line to itself.
std::string Wrapped(std::string_view text, size_t columns);

template <typename... Args>
void Debug(fmt::format_string<Args...> format, Args&&... args) {
  Write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void Info(fmt::format_string<Args...> format, Args&&... args) {
  Write(Level::kInfo, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void Warning(fmt::format_string<Args...> format, Args&&... args) {
  Write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace gemtune::log
