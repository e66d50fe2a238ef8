#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace gemtune::cli {

/// A subcommand: declares its options on an app, then runs with what was parsed into them.
class Command {
 public:
  virtual ~Command() = default;
  virtual void Declare(CLI::App& app) = 0;
  virtual void Run() = 0;
};

/// Exit codes of the program.
constexpr int kDone = 0;
constexpr int kRunFailed = 1;
constexpr int kBadInput = 2;

/// Runs `gemtune <arguments>` and returns its exit code. Results go to standard output, everything else to
/// standard error; an error is one line there.
int Main(const std::vector<std::string>& arguments);

}  // namespace gemtune::cli
