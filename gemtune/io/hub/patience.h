#pragma once

#include <functional>
#include <string>

#include "gemtune/io/hub/http.h"

namespace gemtune::io::hub {

/// Told of what the user may want to know while it goes on: a wait, a connection that broke. One line.
using Note = std::function<void(const std::string& line)>;

/// Decides how often and when something that failed is tried again: after half a second, one, two and four,
/// and as often as something was gained in between. A server that says how long to wait is obeyed for up to
/// ten minutes.
class Patience {
 public:
  /// `what` is asked for, such as a file's name; for messages.
  Patience(std::string what, Note note) : what_(std::move(what)), note_(std::move(note)) {}

  /// Whether the same question may be answered better later: a broken connection, 408, 429 and 5xx.
  static bool IsWorthwhile(const HttpAnswer& answer);

  /// Waits before the next try; `has_gained` if there was progress since the last one. Throws RunError if it
  /// is time to give up.
  void WaitAfter(const HttpAnswer& answer, bool has_gained);

 private:
  std::string what_;
  Note note_;
  int failures_ = 0;  // without progress in between
};

}  // namespace gemtune::io::hub
