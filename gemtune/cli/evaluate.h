#pragma once

#include "gemtune/cli/command.h"
#include "gemtune/cli/options.h"

namespace gemtune::cli {

/// gemtune evaluate
class Evaluate : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  MachineOptions machine_;
  ColumnOptions columns_;
  std::string model_, base_model_, output_file_;
  std::vector<std::string> files_;
  int64_t max_samples_ = 0;
  int64_t batch_tokens_ = 4096;
};

}  // namespace gemtune::cli
