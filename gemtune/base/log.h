#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace gemtune::log {

enum class Level { kDebug, kInfo, kWarning, kError };

/// Messages below this level are dropped. The default is kInfo.
void SetLevel(Level level);

/// Whether standard error is a terminal on which progress may be drawn: not below kInfo.
bool ShowsProgress();

/// Sets a function that rewrites messages. The library calls an option by its field in backticks
/// (`max_length`); a program can show it as the user types it. The default leaves messages unchanged.
void SetSpelling(std::string (*spelling)(std::string_view message));

/// Whether colours may be written to this file descriptor: a terminal, unless NO_COLOR is set
/// (https://no-color.org) or TERM is dumb.
bool ShowsColors(int descriptor);

/// Writes one line to standard error, since standard output is for results. On a terminal a longer message is
/// wrapped, except for errors and messages that begin with two spaces (a command to copy), and the words
/// "warning" and "error" are coloured (ShowsColors).
void Write(Level level, std::string_view message);

/// Draws a line without an end on standard error, in the place of the last one; a message takes its place.
void ShowInPlace(std::string_view line);

/// Removes the line that ShowInPlace drew, if it is still there.
void ClearPlace();

/// The width of the terminal on standard error; 80 if unknown.
int TerminalColumns();

/// Wraps text into lines of at most `columns` characters; all but the first are indented by two. Lines are
/// broken between parts (separated by two spaces) if possible, else between words. A longer word gets a line
/// of its own.
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
