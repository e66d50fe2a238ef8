#pragma once

#include "gemtune/cli/command.h"
#include "gemtune/cli/model_options.h"

namespace gemtune::cli {

/// gemtune evaluate
class Evaluate : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  ModelOptions model_;
  ColumnOptions columns_;
  std::string task_;
  train::TaskOptions task_options_;
  std::string output_file_;
  std::vector<std::string> files_;
  int64_t max_samples_ = 0;
};

}  // namespace gemtune::cli
