#pragma once

#include <string>

#include "gemtune/cli/command.h"

namespace gemtune::cli {

/// The manual page gemtune(1), as man reads it (roff): every command with its options.
std::string ManualPage();

/// gemtune man
class Manual : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;
};

}  // namespace gemtune::cli
