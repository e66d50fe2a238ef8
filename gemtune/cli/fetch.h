#pragma once

#include "gemtune/cli/command.h"

namespace gemtune::cli {

/// gemtune fetch
class Fetch : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  std::string repo_, revision_, cache_dir_;
  std::vector<std::string> files_, include_, exclude_;
};

}  // namespace gemtune::cli
