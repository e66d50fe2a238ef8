#include "gemtune/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/round_up.h"
#include "gemtune/base/stopwatch.h"
#include "gemtune/data/sampler.h"
#include "gemtune/train/checkpoint.h"
#include "gemtune/train/optim/tensor_file.h"
#include "gemtune/train/schedule.h"

namespace gemtune::train {
namespace {

constexpr const char* kOptimizerFile = "optimizer.safetensors";
constexpr double kWorst = -std::numeric_limits<double>::infinity();

data::SamplerOptions SamplerOptionsOf(const TrainerOptions& options) {
  return {.batch_size = options.batch_size,
          .group_by_length = options.group_by_length,
          .pack_tokens = options.packing ? options.max_tokens_per_batch : 0,
          .seed = options.seed};
}

}  // namespace

const std::vector<NamedStrategy>& IntervalStrategies() {
  static const std::vector<NamedStrategy> all = {{"epoch", IntervalStrategy::kEpoch},
                                                 {"steps", IntervalStrategy::kSteps},
                                                 {"no", IntervalStrategy::kNo}};
  return all;
}

int64_t StepsPerEpoch(const data::Dataset& train, const TrainerOptions& options) {
  return CeilDiv(data::NumBatches(train, SamplerOptionsOf(options)), options.gradient_accumulation_steps);
}

int64_t TotalSteps(int64_t steps_per_epoch, const TrainerOptions& options) {
  if (options.max_steps > 0) return options.max_steps;
  const auto steps =
      static_cast<int64_t>(std::ceil(options.num_train_epochs * static_cast<double>(steps_per_epoch)));
  if (steps < 1) Fail("`num_train_epochs` {} gives no training step", options.num_train_epochs);
  return steps;
}

std::vector<Window> EpochWindows(const data::Dataset& train, const TrainerOptions& options, int64_t epoch) {
  const auto batches = data::EpochBatches(train, SamplerOptionsOf(options), epoch);
  std::vector<Window> windows;
  for (size_t i = 0; i < batches.size(); ++i) {
    if (i % static_cast<size_t>(options.gradient_accumulation_steps) == 0) windows.emplace_back();
    for (auto& part : data::Cut(train, batches[i], options.max_tokens_per_batch, /*max_sequences=*/0)) {
      windows.back().push_back(std::move(part));
    }
  }
  return windows;
}

Trainer::Trainer(Trainable& task, const data::Dataset& train, const data::Dataset* validation,
                 const TrainerOptions& options, std::filesystem::path output_dir,
                 std::vector<Observer*> observers)
    : task_(task),
      train_(train),
      validation_(validation),
      options_(options),
      output_dir_(std::move(output_dir)),
      observers_(std::move(observers)),
      optimizer_(task.module(), options.adamw, task.sparse_gradients()) {
  steps_per_epoch_ = StepsPerEpoch(train, options);
  total_steps_ = TotalSteps(steps_per_epoch_, options);
  warmup_steps_ =
      options.warmup_steps > 0
          ? options.warmup_steps
          : static_cast<int64_t>(std::ceil(options.warmup_ratio * static_cast<double>(total_steps_)));
}

void Trainer::Resume(const std::filesystem::path& checkpoint) {
  state_ = TrainerStateFromJson(ReadCheckpointState(checkpoint), (checkpoint / kTrainerStateFile).string());
  if (state_.steps < 1 || state_.steps > total_steps_) {
    Fail("{}: is at step {} of a run that has {}", checkpoint.string(), state_.steps, total_steps_);
  }
  task_.Restore(checkpoint);
  task_.set_passes(state_.passes);
  optimizer_.SetState(TensorFile(checkpoint / kOptimizerFile));
  saved_step_ = state_.steps;
}

double Trainer::Epoch() const {
  return static_cast<double>(state_.steps) / static_cast<double>(steps_per_epoch_);
}

void Trainer::Step(const Window& window) {
  const Schedule schedule{
      .type = options_.lr_scheduler_type, .warmup_steps = warmup_steps_, .total_steps = total_steps_};
  const double factor = schedule.Factor(state_.steps, options_.learning_rate);
  task_.module().train();
  StepReport report = TakeStep(task_, optimizer_, train_, window,
                               {.step = ++state_.steps,
                                .learning_rate = options_.learning_rate * factor,
                                .max_grad_norm = options_.max_grad_norm});
  report.total_steps = total_steps_;
  report.epoch = Epoch();
  state_.seconds += report.seconds;
  state_.tokens += report.tokens;
  if (report.is_skipped) {
    ++state_.skipped_steps;
    ++state_.skipped_in_a_row;
  } else {
    state_.skipped_in_a_row = 0;
    const int64_t taken = state_.steps - state_.skipped_steps;
    state_.train_loss += (report.loss - state_.train_loss) / static_cast<double>(taken);
    state_.loss_since_evaluation += report.loss;
    ++state_.steps_since_evaluation;
  }
  LogStep(report);
  for (Observer* observer : observers_) observer->OnStep(report);
}

void Trainer::Log(nlohmann::ordered_json entry) {
  nlohmann::ordered_json dated = {{"epoch", Epoch()}, {"step", state_.steps}};
  dated.update(entry);
  state_.log_history.push_back(std::move(dated));
}

// The loss is the mean over the steps since the last entry, as transformers' is.
void Trainer::LogStep(const StepReport& report) {
  if (!report.is_skipped) {
    state_.loss_since_logging += report.loss;
    ++state_.steps_since_logging;
  }
  if (state_.steps % options_.logging_steps != 0 || state_.steps_since_logging == 0) return;
  Log({{"loss", *Mean(state_.loss_since_logging, state_.steps_since_logging)},
       {"grad_norm", report.grad_norm},
       {"learning_rate", report.learning_rate}});
  state_.loss_since_logging = 0;
  state_.steps_since_logging = 0;
}

// transformers puts eval_ before each metric. Tables stay in the log that an observer writes.
void Trainer::LogEvaluation(const EvaluationReport& report) {
  nlohmann::ordered_json entry;
  for (const auto& [name, value] : report.metrics.items()) {
    if (!value.is_structured()) entry["eval_" + name] = value;
  }
  entry["eval_runtime"] = report.seconds;
  entry["eval_samples_per_second"] = static_cast<double>(validation_->size()) / report.seconds;
  Log(std::move(entry));
}

// Rates count the time of the steps alone; a resumed run's include what was done before.
void Trainer::LogEnd() {
  const double examples = Epoch() * static_cast<double>(train_.size());
  Log({{"train_loss", state_.train_loss},
       {"train_runtime", state_.seconds},
       {"train_samples_per_second", examples / state_.seconds},
       {"train_steps_per_second", static_cast<double>(state_.steps) / state_.seconds}});
}

nlohmann::ordered_json Trainer::StateFile() const {
  nlohmann::ordered_json best_step, best_metric;  // null before there is one
  if (!state_.best_metrics.is_null()) {
    best_step = state_.best_step;
    best_metric = state_.best_metrics.at(options_.metric_for_best_model);
  }
  const nlohmann::ordered_json frame = {
      {"best_global_step", best_step},
      {"best_metric", best_metric},
      {"best_model_checkpoint", nullptr},
      {"epoch", Epoch()},
      {"eval_steps", options_.eval_steps},
      {"global_step", state_.steps},
      {"is_hyper_param_search", false},
      {"is_local_process_zero", true},
      {"is_world_process_zero", true},
      {"logging_steps", options_.logging_steps},
      {"max_steps", total_steps_},
      {"num_input_tokens_seen", state_.tokens},
      {"num_train_epochs", static_cast<int64_t>(std::ceil(options_.num_train_epochs))},
      {"save_steps", options_.save_steps},
      {"train_batch_size", options_.batch_size}};
  nlohmann::ordered_json state = ToJson(state_);
  state["run"] = options_.run;
  return ForTransformers(frame, std::move(state));
}

bool Trainer::IsDue(IntervalStrategy strategy, int64_t steps) const {
  if (strategy == IntervalStrategy::kNo || state_.steps == 0) return false;
  if (strategy == IntervalStrategy::kSteps) return state_.steps % steps == 0;
  return state_.steps % steps_per_epoch_ == 0 || state_.steps == total_steps_;
}

double Trainer::Score(const Metrics& metrics) const {
  const auto metric = metrics.find(options_.metric_for_best_model);
  if (metric == metrics.end()) {
    Fail("`metric_for_best_model` '{}' is not a metric of this task", options_.metric_for_best_model);
  }
  // A correlation with a constant is null, and a loss may be NaN: both are worse than any number.
  const double score = metric->is_number() ? metric->get<double>() : std::nan("");
  if (std::isnan(score)) return kWorst;
  return options_.greater_is_better ? score : -score;
}

void Trainer::KeepIfBest(EvaluationReport& report) {
  const double score = Score(report.metrics);
  const double best = state_.best_metrics.is_null() ? kWorst : Score(state_.best_metrics);
  report.is_best = state_.best_metrics.is_null() || score > best;
  const bool is_enough = score > best && score - best > options_.early_stopping_threshold;
  state_.evaluations_without_gain =
      state_.best_metrics.is_null() || is_enough ? 0 : state_.evaluations_without_gain + 1;
  if (!report.is_best) return;
  state_.best_metrics = report.metrics;
  state_.best_step = state_.steps;
  if (options_.load_best_model_at_end) task_.Save(output_dir_);
}

bool Trainer::StopsEarly() const {
  const int64_t patience = options_.early_stopping_patience;
  return patience > 0 && state_.evaluations_without_gain >= patience;
}

// Returns whether the evaluation was completed.
bool Trainer::Evaluate() {
  const Stopwatch stopwatch;
  EvaluationReport report{.step = state_.steps,
                          .epoch = Epoch(),
                          .train_loss = Mean(state_.loss_since_evaluation, state_.steps_since_evaluation)};
  optimizer_.CatchUpAll();
  try {
    report.metrics = task_.Evaluate(*validation_);
  } catch (const StopEvaluation&) {
    return false;
  }
  if (state_.steps > 0) KeepIfBest(report);
  report.seconds = stopwatch.Seconds();
  LogEvaluation(report);
  for (Observer* observer : observers_) observer->OnEvaluate(report);
  state_.loss_since_evaluation = 0;
  state_.steps_since_evaluation = 0;
  state_.evaluated_step = state_.steps;
  return true;
}

void Trainer::SaveCheckpoint() {
  if (saved_step_ == state_.steps) return;
  const Stopwatch stopwatch;
  optimizer_.CatchUpAll();
  state_.passes = task_.passes();
  WriteCheckpoint(output_dir_, state_.steps, StateFile(), [&](const std::filesystem::path& directory) {
    task_.Save(directory);
    WriteTensors(directory / kOptimizerFile, optimizer_.State());
    for (Observer* observer : observers_) observer->OnSave(directory);
  });
  saved_step_ = state_.steps;
  RemoveOldCheckpoints(output_dir_, options_.save_total_limit, state_.best_step);
  const std::filesystem::path path = CheckpointPath(output_dir_, saved_step_);
  const CheckpointReport report{
      .step = saved_step_, .path = path, .bytes = DirectoryBytes(path), .seconds = stopwatch.Seconds()};
  for (Observer* observer : observers_) observer->OnSaved(report);
}

void Trainer::GiveUp() {
  SaveCheckpoint();
  throw RunError(
      fmt::format("the loss or its gradient was not finite in {} steps in a row; what the last good one left "
                  "is in {}; lower `learning_rate`, or look at the data",
                  state_.skipped_in_a_row, CheckpointPath(output_dir_, state_.steps).string()));
}

void Trainer::Stop() {
  SaveCheckpoint();
  state_.is_stopped = true;
}

// One iteration for each step. It begins with what was due after the previous step, which an interrupted run
// may not have done.
void Trainer::TakeSteps(const std::function<bool()>& stop_requested) {
  const bool validates = validation_ != nullptr && options_.eval_strategy != IntervalStrategy::kNo;
  if (validates && options_.eval_on_start && state_.steps == 0 && !Evaluate()) return Stop();
  std::vector<Window> windows;
  int64_t epoch_of_windows = -1;
  for (;;) {
    if (stop_requested && stop_requested()) return Stop();
    const bool evaluates = IsDue(options_.eval_strategy, options_.eval_steps) || state_.steps == total_steps_;
    if (validates && evaluates && state_.evaluated_step < state_.steps && !Evaluate()) return Stop();
    if (IsDue(options_.save_strategy, options_.save_steps)) SaveCheckpoint();
    if (state_.steps == total_steps_ || StopsEarly()) return;
    const int64_t epoch = state_.steps / steps_per_epoch_;
    if (epoch != epoch_of_windows) windows = EpochWindows(train_, options_, epoch);
    epoch_of_windows = epoch;
    Step(windows[static_cast<size_t>(state_.steps % steps_per_epoch_)]);
    if (state_.skipped_in_a_row >= options_.max_bad_steps) GiveUp();
  }
}

// Leaves the best model in the output directory, in memory and in the state.
void Trainer::Finish() {
  optimizer_.CatchUpAll();
  const bool best_is_saved = options_.load_best_model_at_end && !state_.best_metrics.is_null();
  if (!best_is_saved) {
    task_.Save(output_dir_);
  } else if (state_.best_step != state_.steps) {
    task_.Restore(output_dir_);
  }
  LogEnd();
  state_.passes = task_.passes();
  WriteFileAtomically(output_dir_ / kTrainerStateFile, StateFile().dump(2) + "\n");
}

TrainerState Trainer::Run(const std::function<bool()>& stop_requested) {
  for (Observer* observer : observers_) {
    observer->OnStart({.total_steps = total_steps_,
                       .done_steps = state_.steps,
                       .steps_per_epoch = steps_per_epoch_,
                       .train_examples = train_.size(),
                       .train_tokens = train_.tokens(),
                       .trained_parameters = optimizer_.num_parameters()});
  }
  TakeSteps(stop_requested);
  if (!state_.is_stopped) Finish();
  for (Observer* observer : observers_) observer->OnEnd();
  return state_;
}

}  // namespace gemtune::train
