#pragma once

#include <string>
#include <vector>

#include "gemtune/cli/options.h"
#include "gemtune/train/run/run.h"

namespace gemtune::cli {

/// The options of a training run, which train and bench share, and their conversion to train::RunOptions.
class TrainOptions {
 public:
  /// A command that saves nothing needs no --output-dir.
  void Declare(OptionSet& options, bool needs_output_dir);

  /// Checks the options before any work; throws Error if they contradict each other. Afterwards `options`
  /// also holds the values that follow from others.
  train::RunOptions Checked(const OptionSet& options);

  /// What identifies the run when it is resumed.
  train::RunRecord Record(const OptionSet& options) const;

  bool dry_run() const { return dry_run_; }
  const MachineOptions& machine() const { return machine_; }
  const std::string& base_dtype() const { return lora_.base_dtype; }

 private:
  void DeclareData(OptionSet& options);
  void DeclareTraining(OptionSet& options);
  void DeclareOptimiser(OptionSet& options);
  void DeclareEvaluation(OptionSet& options);
  void DeclareReports(OptionSet& options);
  void DeclareSaving(OptionSet& options);

  train::RunOptions run_;
  std::string eval_strategy_ = "epoch", save_strategy_ = "steps";
  std::string output_dir_;
  bool dry_run_ = false;
  MachineOptions machine_;
  ColumnOptions columns_;
  LoraOptions lora_;
};

}  // namespace gemtune::cli
