#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <algorithm>
#include <string>
#include <utility>

#include "gemtune/base/error.h"

namespace gemtune::data {

/// Throws Arrow's failure as an Error of one line "<file>: ...": any failure while reading a data file is the
/// file's fault.
[[noreturn]] inline void FailArrow(const std::string& path, const std::string& message) {
  // Some messages have a stack of notes on further lines.
  const size_t end = message.find_first_of("\r\n");
  Fail("{}: {}", path, Printable(message.substr(0, end), 200));
}

inline void CheckArrow(const std::string& path, const arrow::Status& status) {
  if (status.ok()) return;
  const auto& detail = status.detail();  // "[errno 13] Permission denied"
  FailArrow(path, detail == nullptr ? status.message() : status.message() + ": " + detail->ToString());
}

template <typename T>
T CheckArrow(const std::string& path, arrow::Result<T> result) {
  CheckArrow(path, result.status());
  return std::move(result).ValueUnsafe();
}

}  // namespace gemtune::data
