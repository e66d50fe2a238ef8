#include "gemtune/base/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemtune/base/log.h"

namespace gemtune {

std::string ProgressLine(int64_t done, int64_t total, const std::string& text, int columns) {
  constexpr int kMinWidth = 4, kMaxWidth = 20;
  // The last column stays free: some terminals begin a new line when it is written.
  const int room = std::max(columns - 1, 0);
  const int width = std::min(kMaxWidth, room - static_cast<int>(text.size()) - 3);
  if (width < kMinWidth || total <= 0) return text.substr(0, static_cast<size_t>(room));
  const auto filled = static_cast<size_t>(width * std::min(done, total) / total);
  return fmt::format("[{}{}] {}", std::string(filled, '#'),
                     std::string(static_cast<size_t>(width) - filled, '.'), text);
}

void ProgressBar::Show(int64_t done, int64_t total, std::string_view unit) {
  constexpr double kSeconds = 0.1;
  if ((is_shown_ && since_.Seconds() < kSeconds) || !log::ShowsProgress()) return;
  const std::string text = total > 0 ? fmt::format("{} {} of {} {}", work_, done, total, unit)
                                     : fmt::format("{} {} {}", work_, done, unit);
  log::ShowInPlace(ProgressLine(done, total, text, log::TerminalColumns()));
  is_shown_ = true;
  since_ = Stopwatch();
}

void ProgressBar::Clear() {
  if (is_shown_) log::ClearPlace();
  is_shown_ = false;
}

}  // namespace gemtune
