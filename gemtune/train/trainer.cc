#include "gemtune/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gemtune/base/error.h"
#include "gemtune/base/stopwatch.h"
#include "gemtune/data/sampler.h"
#include "gemtune/train/schedule.h"

namespace gemtune::train {
namespace {

int64_t CeilDiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

std::vector<Window> EpochWindows(const data::Dataset& train, const TrainerOptions& options, int64_t epoch) {
  const auto batches = data::EpochBatches(
      train,
      {.batch_size = options.batch_size, .group_by_length = options.group_by_length, .seed = options.seed},
      epoch);
  std::vector<Window> windows;
  for (size_t i = 0; i < batches.size(); ++i) {
    if (i % static_cast<size_t>(options.gradient_accumulation_steps) == 0) windows.emplace_back();
    for (auto& part : data::Cut(train, batches[i], options.max_tokens_per_batch, /*max_sequences=*/0)) {
      windows.back().push_back(std::move(part));
    }
  }
  return windows;
}

Trainer::Trainer(Task& task, const data::Dataset& train, const data::Dataset* validation,
                 const TrainerOptions& options, std::filesystem::path output_dir,
                 std::vector<Observer*> observers)
    : task_(task),
      train_(train),
      validation_(validation),
      options_(options),
      output_dir_(std::move(output_dir)),
      observers_(std::move(observers)),
      optimizer_(task.module(), options.adamw) {
  steps_per_epoch_ = CeilDiv(CeilDiv(train.size(), options.batch_size), options.gradient_accumulation_steps);
  total_steps_ =
      options.max_steps > 0
          ? options.max_steps
          : static_cast<int64_t>(std::ceil(options.num_train_epochs * static_cast<double>(steps_per_epoch_)));
  if (total_steps_ < 1) Fail("--num-train-epochs {} makes no step", options.num_train_epochs);
  warmup_steps_ =
      options.warmup_steps > 0
          ? options.warmup_steps
          : static_cast<int64_t>(std::ceil(options.warmup_ratio * static_cast<double>(total_steps_)));
}

StepReport Trainer::Step(const Window& window, int64_t step) {
  const Schedule schedule{
      .type = options_.lr_scheduler_type, .warmup_steps = warmup_steps_, .total_steps = total_steps_};
  StepReport report =
      TakeStep(task_, optimizer_, train_, window,
               {.step = step + 1,
                .learning_rate = options_.learning_rate * schedule.Factor(step, options_.learning_rate),
                .max_grad_norm = options_.max_grad_norm});
  report.total_steps = total_steps_;
  report.epoch = static_cast<double>(step + 1) / static_cast<double>(steps_per_epoch_);
  return report;
}

bool Trainer::EvaluationIsDue(int64_t step, bool ends_epoch) const {
  if (validation_ == nullptr || options_.eval_strategy == "no") return false;
  if (step == total_steps_) return true;
  return options_.eval_strategy == "epoch" ? ends_epoch : step % options_.eval_steps == 0;
}

double Trainer::Score(const Metrics& metrics) const {
  const auto metric = metrics.find(options_.metric_for_best_model);
  if (metric == metrics.end()) {
    Fail("--metric-for-best-model '{}' is not a metric of this task", options_.metric_for_best_model);
  }
  // A correlation with what is constant is null, a loss may be NaN: both are worse than any number.
  const double score = metric->is_number() ? metric->get<double>() : std::nan("");
  if (std::isnan(score)) return -std::numeric_limits<double>::infinity();
  return options_.greater_is_better ? score : -score;
}

void Trainer::Evaluate(int64_t step, TrainResult& result) {
  const Stopwatch stopwatch;
  EvaluationReport report{
      .step = step,
      .epoch = static_cast<double>(step) / static_cast<double>(steps_per_epoch_),
      .train_loss = loss_since_evaluation_ / static_cast<double>(steps_since_evaluation_)};
  optimizer_.CatchUpAll();
  report.metrics = task_.Evaluate(*validation_);
  const double score = Score(report.metrics);
  report.is_best = result.best_metrics.is_null() || score > Score(result.best_metrics);
  if (report.is_best) {
    result.best_metrics = report.metrics;
    result.best_step = step;
    if (options_.load_best_model_at_end) task_.Save(output_dir_);
  }
  report.seconds = stopwatch.Seconds();
  for (Observer* observer : observers_) observer->OnEvaluate(report);
  loss_since_evaluation_ = 0;
  steps_since_evaluation_ = 0;
}

TrainResult Trainer::Run() {
  for (Observer* observer : observers_) {
    observer->OnStart({.total_steps = total_steps_,
                       .steps_per_epoch = steps_per_epoch_,
                       .train_examples = train_.size(),
                       .train_tokens = train_.tokens(),
                       .trained_parameters = optimizer_.num_parameters()});
  }
  TrainResult result;
  for (int64_t epoch = 0; result.steps < total_steps_; ++epoch) {
    const std::vector<Window> windows = EpochWindows(train_, options_, epoch);
    for (size_t i = 0; i < windows.size() && result.steps < total_steps_; ++i) {
      task_.module().train();
      const StepReport report = Step(windows[i], result.steps++);
      result.train_loss += (report.loss - result.train_loss) / static_cast<double>(result.steps);
      result.seconds += report.seconds;
      result.tokens += report.tokens;
      loss_since_evaluation_ += report.loss;
      ++steps_since_evaluation_;
      for (Observer* observer : observers_) observer->OnStep(report);
      if (EvaluationIsDue(result.steps, i + 1 == windows.size())) Evaluate(result.steps, result);
    }
  }
  optimizer_.CatchUpAll();
  const bool best_is_saved = options_.load_best_model_at_end && !result.best_metrics.is_null();
  if (!best_is_saved) {
    task_.Save(output_dir_);
  } else if (result.best_step != result.steps) {
    task_.Restore(output_dir_);
  }
  for (Observer* observer : observers_) observer->OnEnd();
  return result;
}

}  // namespace gemtune::train
