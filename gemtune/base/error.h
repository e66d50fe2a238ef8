#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemtune/base/check.h"  // IWYU pragma: export

namespace gemtune {

/// An error in the user's input: a command line, a file, a row. `what()` is one line that says where and what
/// is wrong, and what to do about it. The program prints it and exits with 2.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The input was valid but the run could not continue (disk full, out of memory, a loss that is not finite).
/// The program prints it and exits with 1.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws Error with a formatted message.
template <typename... Args>
[[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

/// Text from a file, made safe for one line of a message: control characters and invalid bytes are escaped,
/// and it is cut at `max_bytes`.
std::string Printable(std::string_view text, size_t max_bytes = 60);

/// The known name closest to a mistyped one, as " (did you mean 'x'?)", or "" if none is close. With
/// `however_far`, "" only if no name is known or the text cannot be a mistyped name.
std::string DidYouMean(std::string_view typed, const std::vector<std::string>& known,
                       bool however_far = false);

/// Names for a message: 'a', 'b', 'c', followed by "... (40 in all)" if there are more than `max_names`.
std::string Listed(const std::vector<std::string>& names, size_t max_names = 20);

}  // namespace gemtune
