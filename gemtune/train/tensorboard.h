#pragma once

#include <filesystem>
#include <string>

#include "gemtune/io/event_file.h"
#include "gemtune/train/observers.h"

namespace gemtune::train {

/// Writes events for TensorBoard under the tags of transformers.TensorBoardCallback: train/loss,
/// train/grad_norm, train/learning_rate every `logging_steps`, eval/... for each evaluation, its
/// precision-recall curves (pr/<class>), and the run's options as text (args).
class TensorBoardObserver : public Observer {
 public:
  struct Options {
    std::filesystem::path directory;
    int64_t logging_steps = 10;
    std::string run;  // its options, TOML
  };

  /// Throws Error if the file cannot be written.
  explicit TensorBoardObserver(const Options& options);
  void OnStart(const RunReport& run) override;
  void OnStep(const StepReport& step) override;
  void OnEvaluate(const EvaluationReport& evaluation) override;

 private:
  const Options options_;
  io::EventFile file_;
  double loss_ = 0;  // of the steps since the last event
  int64_t steps_ = 0, tokens_ = 0;
  double seconds_ = 0;
};

}  // namespace gemtune::train
