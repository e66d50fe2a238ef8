#pragma once

#include "gemtune/cli/option_set.h"

namespace gemtune::cli {

/// A subcommand: declares its options, then runs with their parsed values.
class Command {
 public:
  virtual ~Command() = default;
  virtual void Declare(OptionSet& options) = 0;

  /// `options` has been parsed.
  virtual void Run(const OptionSet& options) = 0;
};

}  // namespace gemtune::cli
