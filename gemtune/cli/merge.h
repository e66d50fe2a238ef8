#pragma once

#include "gemtune/cli/command.h"
#include "gemtune/cli/options.h"

namespace gemtune::cli {

/// gemtune merge
class Merge : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  std::string model_, base_model_, output_dir_;
  std::string dtype_ = "bf16";
  int64_t threads_ = 0;
  bool overwrite_output_dir_ = false;
};

}  // namespace gemtune::cli
