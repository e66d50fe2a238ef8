#pragma once

#include "gemtune/cli/train.h"

namespace gemtune::cli {

/// gemtune bench: takes the options of gemtune train, so that a run's own command line or run.toml tells what
/// that run would cost, and trains a few steps of it without saving anything.
class Bench : public Train {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 private:
  std::vector<train::Window> ChooseWindows(const data::Dataset& train) const;
  nlohmann::ordered_json MeasureSteps(Job& job) const;

  int64_t steps_ = 10;
  bool in_file_order_ = false;
};

/// Which of `windows` to measure: the one with the most tokens first, as the warm-up, since memory is at its
/// height there; then `steps`, taken at even distances from all of them sorted by tokens, and in the order of
/// `windows`. With fewer windows than steps, some come more than once.
std::vector<train::Window> SpreadOverLengths(const data::Dataset& train,
                                             const std::vector<train::Window>& windows, int64_t steps);

}  // namespace gemtune::cli
