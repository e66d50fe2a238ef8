#pragma once

#include "gemtune/cli/command.h"

namespace gemtune::cli {

/// gemtune inspect
class Inspect : public Command {
 public:
  void Declare(CLI::App& app) override;
  void Run() override;

 private:
  std::string path_;
  bool tensors_ = false;
};

}  // namespace gemtune::cli
