#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/train/observers.h"
#include "gemtune/train/optim/adamw.h"
#include "gemtune/train/step.h"
#include "gemtune/train/trainable.h"
#include "gemtune/train/trainer_state.h"

namespace gemtune::train {

/// How often evaluations or checkpoints happen, as transformers.IntervalStrategy: never, every so many steps,
/// or after each epoch.
enum class IntervalStrategy { kNo, kSteps, kEpoch };

struct NamedStrategy {
  std::string name;  // as in transformers: "epoch"
  IntervalStrategy strategy;
};
const std::vector<NamedStrategy>& IntervalStrategies();

/// Names and meanings are those of transformers.TrainingArguments, and so are the defaults unless a comment
/// says otherwise.
struct TrainerOptions {
  int64_t batch_size = 8;  // per_device_train_batch_size: sequences per forward pass
  int64_t max_tokens_per_batch =
      0;                 // > 0: splits a batch of more tokens into several forward passes of one step
  bool packing = false;  // batches of as many sequences as fit in max_tokens_per_batch, see EpochBatches
  int64_t gradient_accumulation_steps = 1;
  double num_train_epochs = 3.0;
  int64_t max_steps = 0;  // > 0: overrides num_train_epochs
  double learning_rate = 1e-5;
  std::string lr_scheduler_type = "linear";
  double warmup_ratio = 0.1;
  int64_t warmup_steps = 0;    // > 0: overrides warmup_ratio
  double max_grad_norm = 1.0;  // 0: no clipping
  AdamWOptions adamw;
  uint64_t seed = 42;
  bool group_by_length = true;
  IntervalStrategy eval_strategy = IntervalStrategy::kEpoch;
  int64_t eval_steps = 500;
  bool eval_on_start = false;  // also validate before the first step; never the best model
  bool load_best_model_at_end = true;
  std::string metric_for_best_model = "loss";
  bool greater_is_better = false;
  /// As transformers.EarlyStoppingCallback: the run ends after so many evaluations in a row without one that
  /// is better than all before by more than the threshold; 0: never.
  int64_t early_stopping_patience = 0;
  double early_stopping_threshold = 0;
  IntervalStrategy save_strategy = IntervalStrategy::kSteps;
  int64_t save_steps = 500;
  int64_t save_total_limit = 1;  // checkpoints to keep, besides the best model's; 0: all
  int64_t max_bad_steps =
      10;  // the run ends when this many steps in a row had a loss or gradient of NaN or ∞
  int64_t logging_steps = 10;  // between entries of log_history; transformers has 500
  nlohmann::ordered_json run;  // describes the run, to check it on resuming; part of each checkpoint
};

/// Trainable::Evaluate may throw this when the run is asked to stop; the resumed run repeats the evaluation.
struct StopEvaluation {};

/// Optimiser steps of an epoch, and of the whole run. Throws Error if the run has none.
int64_t StepsPerEpoch(const data::Dataset& train, const TrainerOptions& options);
int64_t TotalSteps(int64_t steps_per_epoch, const TrainerOptions& options);

/// The optimiser steps of one epoch: EpochBatches, gradient_accumulation_steps of them in each step.
std::vector<Window> EpochWindows(const data::Dataset& train, const TrainerOptions& options, int64_t epoch);

/// Trains `task` on `train` and keeps the best model (without validation, the last) in `output_dir`, beside
/// the checkpoints and, at the end, a trainer_state.json as transformers' Trainer.save_state writes it.
///
/// The loop is the textbook one: for each step, the batches of an accumulation window, loss, backward, clip,
/// step. The loss of a step is the sum over its targets divided by their number, or the sum of their weights,
/// over the whole window. So N small batches give the gradient of one large batch, even in a short last
/// window, and so do the parts into which max_tokens_per_batch cuts a batch.
///
/// A checkpoint holds everything that the next step depends on, so a resumed run gives the same bits as one
/// without the interruption. Making a checkpoint does not change the run.
class Trainer {
 public:
  /// `validation` may be null. Throws Error for options that contradict each other or the data.
  Trainer(Trainable& task, const data::Dataset& train, const data::Dataset* validation,
          const TrainerOptions& options, std::filesystem::path output_dir, std::vector<Observer*> observers);

  /// Makes Run continue from `checkpoint`, which a run of the same task, data and options wrote. Throws Error
  /// if it is damaged or does not fit.
  void Resume(const std::filesystem::path& checkpoint);

  /// Trains to the end. Once `stop_requested` returns true, finishes the current step, saves a checkpoint and
  /// returns with is_stopped set. Throws RunError if too many steps in a row are skipped, after saving a
  /// checkpoint.
  TrainerState Run(const std::function<bool()>& stop_requested = {});

 private:
  void Step(const Window& window);
  void TakeSteps(const std::function<bool()>& stop_requested);
  bool Evaluate();
  void KeepIfBest(EvaluationReport& report);
  bool StopsEarly() const;
  void Log(nlohmann::ordered_json entry);
  void LogStep(const StepReport& report);
  void LogEvaluation(const EvaluationReport& report);
  void LogEnd();
  nlohmann::ordered_json StateFile() const;
  void SaveCheckpoint();
  void Stop();
  [[noreturn]] void GiveUp();
  void Finish();
  double Score(const Metrics& metrics) const;  // by metric_for_best_model; greater is better
  bool IsDue(IntervalStrategy strategy, int64_t steps) const;
  double Epoch() const;

  Trainable& task_;
  const data::Dataset& train_;
  const data::Dataset* validation_;
  TrainerOptions options_;
  std::filesystem::path output_dir_;
  std::vector<Observer*> observers_;
  AdamW optimizer_;
  int64_t steps_per_epoch_ = 0;
  int64_t total_steps_ = 0;
  int64_t warmup_steps_ = 0;
  TrainerState state_;
  int64_t saved_step_ = 0;  // of the last checkpoint
};

}  // namespace gemtune::train
