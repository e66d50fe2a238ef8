#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/train/observers.h"
#include "gemtune/train/optimizer.h"
#include "gemtune/train/step.h"
#include "gemtune/train/task.h"

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
};

struct TrainResult {
  int64_t steps = 0;
  double train_loss = 0;  // mean over all steps
  double seconds = 0;     // of training steps alone
  int64_t tokens = 0;
  Metrics best_metrics;  // of the validation set, for the model that was kept; null without one
  int64_t best_step = 0;
};

/// The optimiser steps of one epoch: EpochBatches, gradient_accumulation_steps of them a step.
std::vector<Window> EpochWindows(const data::Dataset& train, const TrainerOptions& options, int64_t epoch);

/// Trains `task` on `train` and keeps the best model, or the last without validation, in `output_dir`.
///
/// Reads like the paper: for each step, the batches of an accumulation window, loss, backward, clip, step.
/// The loss of a step is the sum over its targets divided by their number over the whole window, so that N
/// small batches give the gradient of the one large batch, a short last window included;
/// so do the parts that max_tokens_per_batch cuts a batch into.
class Trainer {
 public:
  /// `validation` may be null. Throws Error for options that contradict each other or the data.
  Trainer(Task& task, const data::Dataset& train, const data::Dataset* validation,
          const TrainerOptions& options, std::filesystem::path output_dir, std::vector<Observer*> observers);

  TrainResult Run();

 private:
  StepReport Step(const Window& window, int64_t step);
  void Evaluate(int64_t step, TrainResult& result);
  double Score(const Metrics& metrics) const;  // by metric_for_best_model; the greater the better
  bool EvaluationIsDue(int64_t step, bool ends_epoch) const;

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
  double loss_since_evaluation_ = 0;
  int64_t steps_since_evaluation_ = 0;
};

}  // namespace gemtune::train
