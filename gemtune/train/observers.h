#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "gemtune/train/metrics.h"

namespace gemtune::train {

struct RunReport {
  int64_t total_steps = 0;
  int64_t done_steps = 0;  // before, where the run goes on from a checkpoint
  int64_t steps_per_epoch = 0;
  int64_t train_examples = 0;
  int64_t train_tokens = 0;  // an epoch
  int64_t trained_parameters = 0;
};

struct StepReport {
  int64_t step = 0;  // optimiser steps done, this one included
  int64_t total_steps = 0;
  double epoch = 0;  // epochs done, with fraction
  double loss = 0;   // mean over the step's targets
  double learning_rate = 0;
  double grad_norm = 0;     // before clipping
  bool is_skipped = false;  // loss or gradient is not finite: nothing was updated
  int64_t tokens = 0;
  double seconds = 0;  // of the whole step; its parts are
  double data_seconds = 0;
  double forward_seconds = 0;
  double backward_seconds = 0;
  double optimizer_seconds = 0;  // embedding rows caught up, gradient norm, clipping, update
};

struct EvaluationReport {
  int64_t step = 0;
  double epoch = 0;
  std::optional<double>
      train_loss;  // mean over the steps since the evaluation before; nothing: all were skipped
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

/// Told of what happens in a run, in order; changes nothing.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnStart(const RunReport&) {}
  virtual void OnStep(const StepReport&) {}
  virtual void OnEvaluate(const EvaluationReport&) {}
  /// A checkpoint is being written to `directory`: what is needed to observe on from there goes into it.
  virtual void OnSave(const std::filesystem::path& /*directory*/) {}
  virtual void OnSaved(const CheckpointReport&) {}
  virtual void OnEnd() {}
};

/// What a person sees on standard error: a bar redrawn in place on a terminal, a line every `logging_steps`
/// elsewhere, and a line an evaluation on both.
class ConsoleObserver : public Observer {
 public:
  ConsoleObserver(bool is_terminal, int64_t logging_steps);
  void OnStart(const RunReport& run) override;
  void OnStep(const StepReport& step) override;
  void OnEvaluate(const EvaluationReport& evaluation) override;
  void OnSaved(const CheckpointReport& checkpoint) override;
  void OnEnd() override;

 private:
  void ClearBar();

  const bool is_terminal_;
  const int64_t logging_steps_;
  int64_t steps_ = 0;        // of this process, as the next two
  double step_seconds_ = 0;  // of training alone, evaluations not counted
  int64_t tokens_ = 0;
  double window_loss_ = 0;
  int64_t window_steps_ = 0;
  bool bar_shown_ = false;
};

/// One JSON object a line in `directory`/train_log.jsonl: every step ("type": "step") and evaluation ("type":
/// "evaluation"). A checkpoint takes a copy of it along.
class JsonlObserver : public Observer {
 public:
  /// Where the run goes on from `checkpoint`, so does its log; what had been written since is cut away.
  /// Throws Error for a file that cannot be written or, of the checkpoint, read.
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

/// A line for a terminal of so many columns: a bar of at most 20 characters in the room that `text` leaves,
/// then `text`, cut where it is longer than the line.
std::string ProgressLine(int64_t done, int64_t total, const std::string& text, int columns);

/// sum / count, or nothing of nothing.
std::optional<double> Mean(double sum, int64_t count);

/// "loss 0.3127  accuracy 0.9240": the metrics that are one number.
std::string Numbers(const Metrics& metrics);

/// "3:07", "1:02:45".
std::string Duration(double seconds);

}  // namespace gemtune::train
