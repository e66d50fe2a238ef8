#pragma once

#include <string>
#include <vector>

namespace gemtune::cli {

/// Exit codes of the program. One that a signal has stopped exits with 128 + the signal's number.
constexpr int kDone = 0;
constexpr int kRunFailed = 1;
constexpr int kBadInput = 2;

/// Runs `gemtune <arguments>` and returns its exit code. Results go to standard output, everything else to
/// standard error; an error is one line there.
int Main(const std::vector<std::string>& arguments);

}  // namespace gemtune::cli
