#pragma once

#include <string>
#include <vector>

#include "gemtune/cli/option_set.h"

namespace gemtune::cli {

/// A subcommand: declares its options, then runs with what was parsed into them.
class Command {
 public:
  virtual ~Command() = default;
  virtual void Declare(OptionSet& options) = 0;

  /// `options` has been parsed.
  virtual void Run(const OptionSet& options) = 0;
};

/// Exit codes of the program; 128 + the signal where one has stopped it.
constexpr int kDone = 0;
constexpr int kRunFailed = 1;
constexpr int kBadInput = 2;

/// Runs `gemtune <arguments>` and returns its exit code. Results go to standard output, everything else to
/// standard error; an error is one line there.
int Main(const std::vector<std::string>& arguments);

}  // namespace gemtune::cli
