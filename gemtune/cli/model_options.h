#pragma once

#include <memory>
#include <string>

#include "gemtune/cli/options.h"
#include "gemtune/train/tasks/tasks.h"

namespace gemtune::cli {

/// The options of commands that use a trained model.
struct ModelOptions {
  std::string model;  // directory of a model or of an adapter
  std::string base_model;
  MachineOptions machine;
  int64_t batch_tokens = 4096;

  /// In two parts, because --help shows other groups between them.
  void Declare(OptionSet& options);
  void DeclareMachine(OptionSet& options);

  /// Sets the number of threads, then reads the model; for `task` as in train::OpenTrained.
  std::unique_ptr<train::Task> Open(std::function<void(int64_t examples, int64_t total)> progress,
                                    const std::string& task = {}, train::TaskOptions options = {}) const;

  /// Uses one thread for a small amount of data, see MachineOptions::FitThreads.
  void FitThreads(train::Task& task, const data::Dataset& dataset) const;
};

}  // namespace gemtune::cli
