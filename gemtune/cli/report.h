#pragma once

#include <string>
#include <vector>

#include "gemtune/cli/command.h"

namespace gemtune::cli {

/// gemtune report
class Report : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  std::vector<std::string> directories_;
  std::string output_file_ = "report.html";
};

}  // namespace gemtune::cli
