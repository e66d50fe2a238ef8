#pragma once

#include "gemtune/cli/command.h"

namespace gemtune::cli {

/// gemtune inspect
class Inspect : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  void PrintDevice() const;

  std::string path_;
  std::string device_;
  bool tensors_ = false;
};

}  // namespace gemtune::cli
