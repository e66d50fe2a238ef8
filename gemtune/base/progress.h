#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gemtune/base/stopwatch.h"

namespace gemtune {

/// A line for a terminal of `columns` columns: a bar of at most 20 characters, if `text` leaves room for it,
/// then `text`, cut if it is longer than the line.
std::string ProgressLine(int64_t done, int64_t total, const std::string& text, int columns);

/// Shows on a terminal how far a piece of work has come: "[####......] loading 410 of 1,020 MB". The line is
/// drawn again in its place, at most ten times a second, gives way to messages, and goes with this object.
/// Where log::ShowsProgress() is false nothing is shown.
class ProgressBar {
 public:
  explicit ProgressBar(std::string work) : work_(std::move(work)) {}
  ~ProgressBar() { Clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` of `total` in `unit`; a total of 0 is not known.
  void Show(int64_t done, int64_t total, std::string_view unit);
  void Clear();

 private:
  const std::string work_;
  Stopwatch since_;  // the line was drawn
  bool is_shown_ = false;
};

}  // namespace gemtune
