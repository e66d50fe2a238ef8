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
#include "gemtune/train/task.h"
#include "gemtune/train/trainer_state.h"

namespace gemtune::train {

/// Names, meanings and, where nothing is said, defaults of transformers.TrainingArguments.
struct TrainerOptions {
  int64_t batch_size = 8;            // per_device_train_batch_size: sequences a forward pass
  int64_t max_tokens_per_batch = 0;  // > 0: a batch of more tokens makes several forward passes of one step
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
  std::string eval_strategy = "epoch";  // epoch, steps or no
  int64_t eval_steps = 500;
  bool load_best_model_at_end = true;
  std::string metric_for_best_model = "loss";
  bool greater_is_better = false;
  std::string save_strategy = "steps";  // epoch, steps or no
  int64_t save_steps = 500;
  int64_t save_total_limit = 1;  // checkpoints that are kept, the best model's not counted; 0: all
  int64_t max_bad_steps = 10;    // so many in a row whose loss or gradient is not finite end the run
  nlohmann::ordered_json run;    // what the run is, for whoever goes on with it: part of each checkpoint
};

/// What Task::Evaluate may throw when the run is asked to stop: the evaluation is done anew by the run that
/// goes on.
struct StopEvaluation {};

/// Optimiser steps of an epoch over so many examples, and of the whole run. Throws Error if that has none.
int64_t StepsPerEpoch(int64_t examples, const TrainerOptions& options);
int64_t TotalSteps(int64_t examples, const TrainerOptions& options);

/// The optimiser steps of one epoch: EpochBatches, gradient_accumulation_steps of them a step.
std::vector<Window> EpochWindows(const data::Dataset& train, const TrainerOptions& options, int64_t epoch);

/// Trains `task` on `train` and keeps the best model, or the last without validation, in `output_dir`, beside
/// the checkpoints.
///
/// Reads like the paper: for each step, the batches of an accumulation window, loss, backward, clip, step.
/// The loss of a step is the sum over its targets divided by their number over the whole window, so that N
/// small batches give the gradient of the one large batch, a short last window included;
/// so do the parts that max_tokens_per_batch cuts a batch into.
///
/// A checkpoint holds all that the next step depends on, so that a run that goes on from one gives, bit for
/// bit, what it would have given without the break. Making one changes nothing.
class Trainer {
 public:
  /// `validation` may be null. Throws Error for options that contradict each other or the data.
  Trainer(Task& task, const data::Dataset& train, const data::Dataset* validation,
          const TrainerOptions& options, std::filesystem::path output_dir, std::vector<Observer*> observers);

  /// Run goes on where the run of the same task, data and options stood that wrote `checkpoint`. Throws Error
  /// for one that is damaged or does not fit.
  void Resume(const std::filesystem::path& checkpoint);

  /// To the end, or, once `stop_requested` says so, to that of the step on its way and into a checkpoint:
  /// is_stopped. Throws RunError if too many steps in a row are skipped, after a checkpoint of what they
  /// left.
  TrainerState Run(const std::function<bool()>& stop_requested = {});

 private:
  void Step(const Window& window);
  void TakeSteps(const std::function<bool()>& stop_requested);
  bool Evaluate();
  void SaveCheckpoint();
  void Stop();
  [[noreturn]] void GiveUp();
  void Finish();
  double Score(const Metrics& metrics) const;  // by metric_for_best_model; the greater the better
  bool IsDue(const std::string& strategy, int64_t steps) const;
  double Epoch() const;

  Task& task_;
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
