#pragma once

#include <string>
#include <vector>

#include "gemtune/cli/options.h"
#include "gemtune/train/run/run.h"

namespace gemtune::cli {

/// The options of a training run, which train and bench share: declared here, and handed over as what
/// train::Run takes.
class TrainOptions {
 public:
  /// A command that saves nothing needs no --output-dir.
  void Declare(OptionSet& options, bool needs_output_dir);

  /// Throws Error for options that contradict each other; before any work. What follows from others stands in
  /// `options` from then on.
  train::RunOptions Checked(const OptionSet& options);

  /// What the run is known by when it goes on.
  static train::RunRecord Record(const OptionSet& options);

  bool dry_run() const { return dry_run_; }
  int64_t logging_steps() const { return logging_steps_; }
  const MachineOptions& machine() const { return machine_; }
  const std::string& base_dtype() const { return lora_.base_dtype; }

 private:
  void DeclareData(OptionSet& options);
  void DeclareTraining(OptionSet& options);
  void DeclareOptimiser(OptionSet& options);
  void DeclareEvaluation(OptionSet& options);
  void DeclareSaving(OptionSet& options);

  train::RunOptions run_;
  std::string eval_strategy_ = "epoch", save_strategy_ = "steps";
  std::string output_dir_;
  bool dry_run_ = false;
  int64_t logging_steps_ = 10;
  MachineOptions machine_;
  ColumnOptions columns_;
  LoraOptions lora_;
};

}  // namespace gemtune::cli
