#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gemtune/cli/command.h"

namespace gemtune::cli {

struct CommandRow {
  std::string name;  // as typed
  std::string description;
  std::function<std::unique_ptr<Command>()> make;
};

/// What gemtune can do, in the order of gemtune --help.
const std::vector<CommandRow>& Commands();

/// The options of a command, as its help shows them.
std::vector<OptionHelp> OptionsOf(const CommandRow& row);

}  // namespace gemtune::cli
