#pragma once

#include <memory>
#include <string>

#include "gemtune/cli/options.h"
#include "gemtune/train/tasks/tasks.h"

namespace gemtune::cli {

/// The options of commands that put what was trained to use.
struct ModelOptions {
  std::string model;  // directory of a model or of an adapter
  std::string base_model;
  MachineOptions machine;
  int64_t batch_tokens = 4096;

  /// Two parts, since the groups of --help stand in an order of their own.
  void Declare(OptionSet& options);
  void DeclareMachine(OptionSet& options);

  /// Reads the model, once the process has its threads.
  std::unique_ptr<train::Task> Open(std::function<void(int64_t examples, int64_t total)> progress) const;

  /// Leaves a few tokens to one thread, see MachineOptions::FitThreads.
  void FitThreads(train::Task& task, const data::Dataset& dataset) const;
};

}  // namespace gemtune::cli
