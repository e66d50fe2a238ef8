#pragma once

namespace gemtune::internal {

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace gemtune::internal

/// Checks for a bug in gemtune, not in its input; throws std::logic_error. Active in release builds too.
#define GEMTUNE_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::gemtune::internal::CheckFailed(#condition, __FILE__, __LINE__))
