#include "gemtune/train/trainer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "gemtune/base/error.h"
#include "gemtune/data/sampler.h"
#include "gemtune/train/schedule.h"

namespace gemtune::train {
namespace {

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

int64_t CeilDiv(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

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

std::vector<Trainer::Window> Trainer::EpochWindows(int64_t epoch) const {
  const auto batches = data::EpochBatches(
      train_,
      {.batch_size = options_.batch_size, .group_by_length = options_.group_by_length, .seed = options_.seed},
      epoch);
  std::vector<Window> windows;
  for (size_t i = 0; i < batches.size(); ++i) {
    if (i % static_cast<size_t>(options_.gradient_accumulation_steps) == 0) windows.emplace_back();
    for (const auto& part : data::Cut(train_, batches[i], options_.max_tokens_per_batch, 0))
      windows.back().push_back(data::Pack(train_, part));
  }
  return windows;
}

StepReport Trainer::TakeStep(const Window& window, int64_t step) {
  const Stopwatch stopwatch;
  StepReport report{.step = step + 1, .total_steps = total_steps_};
  int64_t targets = 0;
  for (const data::PackedBatch& batch : window) {
    targets += task_.CountTargets(batch);
    report.tokens += batch.num_tokens();
  }
  for (const data::PackedBatch& batch : window) {
    optimizer_.CatchUp(at::tensor(batch.ids, at::kLong));
    const at::Tensor loss = task_.LossSum(batch) / targets;
    loss.backward();
    report.loss += loss.item<double>();
  }
  report.grad_norm = optimizer_.GradNorm();
  if (!std::isfinite(report.loss) || !std::isfinite(report.grad_norm)) {
    throw RunError(fmt::format("step {}: the loss is {} and the gradient's norm {}; lower --learning-rate",
                               step + 1, report.loss, report.grad_norm));
  }
  // As torch's clip_grad_norm_, the 1e-6 included.
  const double clip =
      options_.max_grad_norm > 0 ? std::min(1.0, options_.max_grad_norm / (report.grad_norm + 1e-6)) : 1.0;
  const Schedule schedule{
      .type = options_.lr_scheduler_type, .warmup_steps = warmup_steps_, .total_steps = total_steps_};
  report.learning_rate = options_.learning_rate * schedule.Factor(step, options_.learning_rate);
  optimizer_.Step(report.learning_rate, clip);
  optimizer_.ZeroGrad();
  report.epoch = static_cast<double>(step + 1) / static_cast<double>(steps_per_epoch_);
  report.seconds = stopwatch.Seconds();
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
    const std::vector<Window> windows = EpochWindows(epoch);
    for (size_t i = 0; i < windows.size() && result.steps < total_steps_; ++i) {
      task_.module().train();
      const StepReport report = TakeStep(windows[i], result.steps++);
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
