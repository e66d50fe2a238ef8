#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "gemtune/train/metrics.h"

namespace gemtune::train {

struct RunReport {
  int64_t total_steps = 0;
  int64_t done_steps = 0;  // done before, if the run continues from a checkpoint
  int64_t steps_per_epoch = 0;
  int64_t train_examples = 0;
  int64_t train_tokens = 0;  // in an epoch
  int64_t trained_parameters = 0;
};

struct StepReport {
  int64_t step = 0;  // optimiser steps done, including this one
  int64_t total_steps = 0;
  double epoch = 0;  // epochs done, with fraction
  double loss = 0;   // mean over the step's targets
  double learning_rate = 0;
  double grad_norm = 0;     // before clipping
  bool is_skipped = false;  // loss or gradient is not finite: nothing was updated
  int64_t tokens = 0;
  double seconds = 0;  // of the whole step; the parts follow
  double data_seconds = 0;
  double forward_seconds = 0;
  double backward_seconds = 0;
  double optimizer_seconds = 0;  // embedding rows caught up, gradient norm, clipping, update
};

struct EvaluationReport {
  int64_t step = 0;
  double epoch = 0;
  std::optional<double>
      train_loss;  // mean over the steps since the previous evaluation; nullopt: all were skipped
  Metrics metrics;
  bool is_best = false;
  double seconds = 0;
};

struct CheckpointReport {
  int64_t step = 0;
  std::filesystem::path path;
  int64_t bytes = 0;
  double seconds = 0;
};

/// Is told what happens in a run, in order, and changes nothing.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnStart(const RunReport&) {}
  virtual void OnStep(const StepReport&) {}
  virtual void OnEvaluate(const EvaluationReport&) {}
  /// A checkpoint is being written to `directory`; an observer adds the files that it needs to continue from
  /// there.
  virtual void OnSave(const std::filesystem::path& /*directory*/) {}
  virtual void OnSaved(const CheckpointReport&) {}
  virtual void OnEnd() {}
};

/// What a person sees on standard error: on a terminal a bar redrawn in place, elsewhere a line every
/// `logging_steps`, and on both a line for each evaluation.
class ConsoleObserver : public Observer {
 public:
  ConsoleObserver(bool is_terminal, int64_t logging_steps);
  void OnStart(const RunReport& run) override;
  void OnStep(const StepReport& step) override;
  void OnEvaluate(const EvaluationReport& evaluation) override;
  void OnSaved(const CheckpointReport& checkpoint) override;
  void OnEnd() override;

 private:
  const bool is_terminal_;
  const int64_t logging_steps_;
  int64_t steps_ = 0;        // of this process, like the next two
  double step_seconds_ = 0;  // of training alone, without evaluations
  int64_t tokens_ = 0;
  double window_loss_ = 0;
  int64_t window_steps_ = 0;
};

/// Writes every step ("type": "step") and evaluation ("type": "evaluation") as one line of JSON to
/// `directory`/train_log.jsonl. A checkpoint includes a copy of the file.
class JsonlObserver : public Observer {
 public:
  static constexpr char kFile[] = "train_log.jsonl";

  /// If the run resumes from `checkpoint`, the log continues from the copy there, and lines written since are
  /// dropped. Throws Error if the file cannot be written or the copy cannot be read.
  explicit JsonlObserver(const std::filesystem::path& directory,
                         const std::filesystem::path& checkpoint = {});
  void OnStart(const RunReport& run) override;
  void OnStep(const StepReport& step) override;
  void OnEvaluate(const EvaluationReport& evaluation) override;
  void OnSave(const std::filesystem::path& directory) override;

 private:
  void Write(const nlohmann::ordered_json& line);

  std::filesystem::path path_;
  std::ofstream file_;
};

/// sum / count, or nullopt if count is 0.
std::optional<double> Mean(double sum, int64_t count);

/// "loss 0.3127 accuracy 0.9240": the metrics that are single numbers, without counts and those of
/// ProbabilityMetrics.
std::string Numbers(const Metrics& metrics);

/// "3:07", "1:02:45".
std::string Duration(double seconds);

}  // namespace gemtune::train
