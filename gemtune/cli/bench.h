#pragma once

#include <vector>

#include "gemtune/cli/command.h"
#include "gemtune/cli/train_options.h"

namespace gemtune::cli {

/// gemtune bench: trains a few steps of a run without saving anything, and reports their speed. It takes the
/// options of gemtune train, so a run's own command line or run.toml can be measured as it is.
class Bench : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  std::vector<train::Window> ChooseWindows(const data::Dataset& train,
                                           const train::TrainerOptions& trainer) const;
  nlohmann::ordered_json MeasureSteps(train::Run& run) const;

  TrainOptions options_;
  int64_t steps_ = 10;
  bool in_file_order_ = false;
  bool times_parts_ = false;
};

}  // namespace gemtune::cli
