#pragma once

#include <string>
#include <vector>

#include "gemtune/cli/command.h"

namespace gemtune::cli {

/// The script that makes a shell (bash, zsh or fish) complete gemtune's commands, options and their values.
std::string CompletionScript(const std::string& shell);

/// gemtune completion
class Completion : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  std::string shell_;
};

}  // namespace gemtune::cli
