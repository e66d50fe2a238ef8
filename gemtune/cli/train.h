#pragma once

#include <optional>

#include "gemtune/cli/command.h"
#include "gemtune/cli/stop_signals.h"
#include "gemtune/cli/train_options.h"

namespace gemtune::cli {

/// gemtune train
class Train : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  void Fit(train::Run& run);
  [[noreturn]] void EndBySignal(const std::string& output_dir, int64_t step) const;

  TrainOptions options_;
  std::optional<StopSignals> signals_;  // set when the first step begins
};

}  // namespace gemtune::cli
