#pragma once

#include "gemtune/cli/command.h"
#include "gemtune/cli/options.h"

namespace gemtune::cli {

/// gemtune export
class Export : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  std::string model_, base_model_, outfile_, outtype_;
  std::string format_ = "gguf";
  int64_t threads_ = 0;
  bool overwrite_ = false;
};

}  // namespace gemtune::cli
