#pragma once

#include "gemtune/cli/command.h"
#include "gemtune/cli/options.h"

namespace gemtune::cli {

/// gemtune tokenize
class Tokenize : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  ColumnOptions columns_;
  std::string model_;
  std::string task_;
  std::vector<std::string> files_;
  std::string save_dir_;
  int64_t threads_ = 0;
  bool overwrite_output_dir_ = false;
};

}  // namespace gemtune::cli
