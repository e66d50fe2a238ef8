#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace gemtune::log {

enum class Level { kDebug, kInfo, kWarning, kError };

/// Messages below this level are dropped. The default is kInfo.
void SetLevel(Level level);

/// Writes one line to standard error (standard output belongs to results), through spdlog.
void Write(Level level, std::string_view message);

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
