#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>

#include "gemtune/train/metrics.h"

namespace gemtune::train {

struct RunReport {
  int64_t total_steps = 0;
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
  double grad_norm = 0;  // before clipping
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
  double train_loss = 0;  // mean over the steps since the evaluation before
  Metrics metrics;
  bool is_best = false;
  double seconds = 0;
};

/// Told of what happens in a run, in order; changes nothing.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnStart(const RunReport&) {}
  virtual void OnStep(const StepReport&) {}
  virtual void OnEvaluate(const EvaluationReport&) {}
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
  void OnEnd() override;

 private:
  void ClearBar();

  const bool is_terminal_;
  const int64_t logging_steps_;
  double step_seconds_ = 0;  // of training alone, evaluations not counted
  int64_t tokens_ = 0;
  double window_loss_ = 0;
  int64_t window_steps_ = 0;
  bool bar_shown_ = false;
};

/// One JSON object a line in `path`: every step ("type": "step") and evaluation ("type": "evaluation").
class JsonlObserver : public Observer {
 public:
  explicit JsonlObserver(const std::filesystem::path& path);
  void OnStart(const RunReport& run) override;
  void OnStep(const StepReport& step) override;
  void OnEvaluate(const EvaluationReport& evaluation) override;

 private:
  void Write(const nlohmann::ordered_json& line);

  std::filesystem::path path_;
  std::ofstream file_;
};

/// A line for a terminal of so many columns: a bar of at most 20 characters in the room that `text` leaves,
/// then `text`, cut where it is longer than the line.
std::string ProgressLine(int64_t done, int64_t total, const std::string& text, int columns);

/// "loss 0.3127  accuracy 0.9240": the metrics that are one number.
std::string Numbers(const Metrics& metrics);

/// "3:07", "1:02:45".
std::string Duration(double seconds);

}  // namespace gemtune::train
