#include "gemtune/cli/train.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/log.h"
#include "gemtune/base/memory.h"
#include "gemtune/cli/dry_run.h"
#include "gemtune/cli/run_directory.h"
#include "gemtune/cli/run_identity.h"
#include "gemtune/cli/stop_signals.h"
#include "gemtune/data/vocabulary_check.h"
#include "gemtune/model/model_directory.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/model/stored_head.h"
#include "gemtune/model/weights.h"
#include "gemtune/train/checkpoint.h"
#include "gemtune/train/classification.h"
#include "gemtune/train/observers.h"
#include "gemtune/train/schedule.h"

namespace gemtune::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> MethodNames() {
  std::vector<std::string> names;
  for (const train::Method& method : train::Methods()) names.push_back(method.name);
  return names;
}

std::vector<std::string> TaskNames() {
  std::vector<std::string> names;
  for (const train::ClassificationKind& kind : train::ClassificationKinds()) names.push_back(kind.task);
  return names;
}

// What DescribeOptions gave for the run that wrote this run.toml.
nlohmann::ordered_json RecordedOptions(const fs::path& record) {
  Train run;
  OptionSet options("gemtune train", "");
  run.Declare(options);
  options.Parse({"--config", record.string()});
  return DescribeOptions(options);
}

}  // namespace

void Train::Declare(OptionSet& options) {
  DeclareAll(options, /*needs_output_dir=*/true);
}

void Train::DeclareAll(OptionSet& options, bool needs_output_dir) {
  options.Group("Plan");
  options.Add("--dry-run", dry_run_,
              "Say what the run would take (data, steps, memory, and after three timed steps the duration), "
              "print that as JSON and write nothing");
  options.Group("Model");
  options.Add("--model,--model-name-or-path", model_,
              "Pre-trained Gemma 3: a Hugging Face directory or a GGUF file",
              {.required = true, .is_path = true});
  options.Add("--task", task_, "What to learn", {.choices = TaskNames()});
  options.Add("--method", method_, "Which weights move", {.choices = MethodNames()});
  options.Add("--trainable-layers", method_options_.trainable_layers,
              "--method freeze: layers that move, as 12-17 or 12- or 3,7, with the final norm and the head");
  options.Add("--freeze-embeddings", method_options_.freeze_embeddings,
              "--method freeze: everything moves but the token embedding");
  options.Add("--trainable-parameters", method_options_.trainable_parameters,
              "--method freeze: parameters that move, by a regular expression on their names");
  options.Add("--output-dir", output_dir_, "Where the trained model and its records go",
              {.required = needs_output_dir, .is_path = true});

  options.Group("Data");
  options.Add("--train-file", train_files_, kFilesHelp, {.required = true, .is_path = true});
  options.Add("--validation-file", validation_files_, "Files measured after each epoch: its loss and metrics",
              {.is_path = true});
  options.Add("--test-file", test_files_, "Files measured once at the end", {.is_path = true});
  options.Add("--validation-split", validation_split_,
              "Without --validation-file: this share (below 1) or number of the training examples",
              {.min = 0});
  columns_.Declare(options, /*with_labels=*/true);
  options.Add("--label-names", label_names_, "Names of the classes in the order of their ids",
              {.delimiter = ','});
  options.Add("--max-train-samples", max_train_samples_, "The first so many training examples only; 0: all",
              {.min = 0});
  options.Add("--max-eval-samples", max_eval_samples_, "The first so many validation examples only; 0: all",
              {.min = 0});
  options.Add("--max-test-samples", max_test_samples_, "The first so many test examples only; 0: all",
              {.min = 0});

  train::TrainerOptions& t = trainer_;
  options.Group("Training");
  options.Add("--num-train-epochs", t.num_train_epochs, "Passes over the training data",
              {.min = 1e-6, .max = 1e6});
  options.Add("--max-steps", t.max_steps, "Optimiser steps, instead of epochs; 0: by epochs", {.min = 0});
  options.Add("--per-device-train-batch-size,--batch-size", t.batch_size, "Sequences a forward pass",
              {.min = 1, .max = 1 << 20});
  options.Add("--max-tokens-per-batch", t.max_tokens_per_batch,
              "A batch of more tokens makes several forward passes of the same step; 0: no limit",
              {.min = 0, .max = 1 << 24});
  options.Add("--gradient-accumulation-steps", t.gradient_accumulation_steps,
              "Forward passes an optimiser step", {.min = 1, .max = 1 << 20});
  options.Add("--group-by-length", t.group_by_length, "Batches of similar length, in random order");
  options.Add("--label-smoothing-factor", label_smoothing_, "Share of the target spread over all classes",
              {.min = 0, .max = 1});
  options.Add(
      "--gradient-checkpointing", gradient_checkpointing_,
      "Keep only each layer's input and compute the layer again on the way back: less memory, more time");
  options.Add("--cache-frozen", cache_frozen_,
              "Keep what the frozen layers under the lowest trained one give, and compute it once");
  options.Add("--seed", t.seed, "Seed of the order of the data", {.min = 0});

  options.Group("Optimiser");
  options.Add(
      "--learning-rate", t.learning_rate,
      "Peak learning rate; unless given that of the method: full 1e-5, freeze 2e-5, head 1e-3, lora 2e-4",
      {.min = 0, .max = 10});
  options.Add("--lr-scheduler-type", t.lr_scheduler_type, "Course of the learning rate after the warm-up",
              {.choices = train::ScheduleTypes()});
  options.Add("--warmup-ratio", t.warmup_ratio, "Share of the steps over which the learning rate rises",
              {.min = 0, .max = 1});
  options.Add("--warmup-steps", t.warmup_steps,
              "Steps over which the learning rate rises; 0: by --warmup-ratio", {.min = 0});
  options.Add("--weight-decay", t.adamw.weight_decay, "Decoupled, of matrices only", {.min = 0, .max = 10});
  options.Add("--adam-beta1", t.adamw.beta1, "Decay of the first moment", {.min = 0, .max = 0.999999});
  options.Add("--adam-beta2", t.adamw.beta2, "Decay of the second moment", {.min = 0, .max = 0.9999999});
  options.Add("--adam-epsilon", t.adamw.epsilon, "Added to the root of the second moment",
              {.min = 1e-30, .max = 1});
  options.Add("--max-grad-norm", t.max_grad_norm, "A longer gradient is shortened to this; 0: never",
              {.min = 0});

  options.Group("Evaluation");
  options.Add("--eval-strategy", t.eval_strategy, "When to validate; with epoch and steps also at the end",
              {.choices = {"epoch", "steps", "no"}});
  options.Add("--eval-steps", t.eval_steps, "Steps between validations with --eval-strategy steps",
              {.min = 1});
  options.Add("--load-best-model-at-end", t.load_best_model_at_end, "Keep the best model, not the last");
  options.Add("--metric-for-best-model", t.metric_for_best_model,
              "What best means: loss, or a metric that evaluate prints");
  options.Add("--eval-batch-tokens", eval_batch_tokens_, "Tokens a forward pass when measuring",
              {.min = 1, .max = 1 << 24});
  options.Add("--logging-steps", logging_steps_, "Steps between lines where standard error is no terminal",
              {.min = 1});
  DeclareSaving(options);
  lora_.Declare(options);
  machine_.Declare(options);
}

void Train::DeclareSaving(OptionSet& options) {
  train::TrainerOptions& t = trainer_;
  options.Group("Checkpoints");
  options.Add("--save-strategy", t.save_strategy, "When to save a checkpoint, from which the run can go on",
              {.choices = {"epoch", "steps", "no"}});
  options.Add("--save-steps", t.save_steps, "Steps between checkpoints with --save-strategy steps",
              {.min = 1});
  options.Add("--save-total-limit", t.save_total_limit,
              "Checkpoints that are kept, the newest, and the best besides; 0: all", {.min = 0});
  options.Add("--resume-from-checkpoint", resume_from_,
              "Go on from this checkpoint; without a value or with auto: from the newest in --output-dir",
              {.bare = "auto"});
  options.Add("--overwrite-output-dir", overwrite_output_dir_,
              "Begin although --output-dir holds another run's results");
  options.Add("--max-bad-steps", t.max_bad_steps,
              "End the run after so many steps in a row whose loss or gradient is not finite", {.min = 1});
}

void Train::CheckOptions(const OptionSet& options) {
  if (!validation_files_.empty() && validation_split_ > 0)
    Fail("--validation-file and --validation-split exclude each other; give one");
  if (task_ != "classification" && label_smoothing_ > 0)
    Fail("--label-smoothing-factor is for --task classification");
  if (task_ == "regression" && !label_names_.empty())
    Fail("--label-names does not go with --task regression");
  const std::vector<std::string>& own = train::FindMethod(method_).options;
  for (const train::Method& method : train::Methods()) {
    for (const std::string& option : method.options) {
      const bool is_own = std::find(own.begin(), own.end(), option) != own.end();
      if (options.Changed(option) && !is_own) Fail("{} is for --method {}", option, method.name);
    }
  }
  if (!resume_from_.empty() && overwrite_output_dir_)
    Fail("--resume-from-checkpoint and --overwrite-output-dir exclude each other; give one");
  if (!options.Given("--learning-rate")) trainer_.learning_rate = train::FindMethod(method_).learning_rate;
  ChooseBestBy(train::KindOfTask(task_));
  method_options_.lora = lora_.Config();
}

void Train::ChooseBestBy(const train::ClassificationKind& kind) {
  std::vector<std::string> names;
  for (const train::ScalarMetric& metric : kind.metrics) {
    names.push_back(metric.name);
    if (metric.name == trainer_.metric_for_best_model) {
      trainer_.greater_is_better = metric.greater_is_better;
      return;
    }
  }
  Fail("--metric-for-best-model '{}' is not a metric of --task {}{}; its metrics: {}",
       Printable(trainer_.metric_for_best_model), task_, DidYouMean(trainer_.metric_for_best_model, names),
       fmt::join(names, ", "));
}

// Before the data is tokenised, which may take minutes.
std::optional<model::ClassifierHead> Train::CheckModel() const {
  const model::ModelSource source = model::ModelSource::Open(model_);
  model::SequenceClassifier outline =
      model::Outline(source, /*num_labels=*/1, {.base_weights = lora_.BaseWeights()});
  train::FindMethod(method_).select(*outline, method_options_);
  if (cache_frozen_ && outline->trunk()->FrozenStages() < 2)
    Fail("--cache-frozen: no layer is frozen under the lowest trained weight: nothing to keep");
  return model::FindHead(source);
}

Train::Splits Train::LoadData(const text::Tokenizer& tokenizer,
                              const std::optional<model::ClassifierHead>& before) const {
  data::DatasetOptions options = columns_.Dataset(train_files_);
  const train::ClassificationKind& kind = train::KindOfTask(task_);
  options.label_kind = kind.label_kind;
  options.max_samples = max_train_samples_;
  const bool is_regression = kind.label_kind == data::LabelKind::kRegression;
  if (!label_names_.empty()) {
    options.labels = data::LabelSet{label_names_};
  } else if (before && !is_regression && before->problem_type != "regression") {
    options.known_labels = data::LabelSet{before->label_names};
  }
  Splits splits{.train = data::Dataset::Load(options, tokenizer)};
  options.known_labels.reset();
  options.labels = splits.train.labels();
  const auto load = [&](const std::vector<std::string>& files, int64_t max_samples) {
    options.files = files;
    options.max_samples = max_samples;
    return data::Dataset::Load(options, tokenizer);
  };
  if (!validation_files_.empty()) splits.validation = load(validation_files_, max_eval_samples_);
  if (!test_files_.empty()) splits.test = load(test_files_, max_test_samples_);
  if (validation_split_ > 0) {
    auto [rest, split] = splits.train.Split(validation_split_, trainer_.seed);
    splits.train = std::move(rest);
    splits.validation = std::move(split);
  }
  const std::string_view nothing[] = {""};
  const auto pairs = std::span(nothing, columns_.text_pair_column.empty() ? 0u : 1u);
  for (const std::string& warning :
       data::DataWarnings(splits.All(), tokenizer.EncodeBatch(nothing, pairs).front()))
    log::Warning("{}", warning);
  log::Info("data: {} training examples of {:.0f} tokens on average ({} cut at {})", splits.train.size(),
            static_cast<double>(splits.train.tokens()) / static_cast<double>(splits.train.size()),
            splits.train.truncated(), columns_.max_length);
  return splits;
}

void Train::KeepFrozenStates(const Splits& splits, model::SequenceClassifier& model,
                             train::Classification& task) const {
  if (!cli::KeepsFrozenStates(model, splits.train, trainer_, cache_frozen_)) return;
  const auto start = std::chrono::steady_clock::now();
  const int64_t bytes = task.KeepFrozenStates(
      splits.train, splits.validation ? &*splits.validation : nullptr,
      {.forward = {.max_tokens_per_batch = eval_batch_tokens_, .progress = CountingProgress("frozen layers")},
       .max_memory_bytes = AvailableMemoryBytes() / 2,
       .directory = output_dir_});
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  log::Info("kept what the frozen layers give: {:.1f} MB, computed in {:.1f} s",
            static_cast<double>(bytes) / 1e6, seconds);
}

Train::Job Train::Prepare() {
  const train::ClassificationKind& kind = train::KindOfTask(task_);
  machine_.Apply();
  const train::Method& method = train::FindMethod(method_);
  const std::optional<model::ClassifierHead> before = CheckModel();
  const text::Tokenizer tokenizer = text::Tokenizer::Load(model_);
  Splits splits = LoadData(tokenizer, before);
  model::ClassifierHead head{.problem_type = kind.problem_type, .label_names = splits.train.labels().names};
  if (head.label_names.empty()) head.label_names = {"LABEL_0"};  // of regression with one output
  if (before) log::Info("{}", model::DescribeHead(*before, head));
  const at::ScalarType dtype = machine_.ScalarType();
  const RunPlan plan(Request(dtype, std::ssize(head.label_names)), splits.All(), ResidentBytes());
  if (dry_run_) plan.Log();
  plan.LogMemory();
  plan.CheckFits(FindMemoryLimit(), AvailableMemoryBytes());
  machine_.FitThreads(plan.pass_flops());
  auto classifier =
      model::PretrainedClassifier::FromBase(model::ModelSource::Open(model_), tokenizer, head,
                                            {.dtype = dtype, .base_weights = lora_.BaseWeights()});
  data::CheckVocabulary(splits.train, classifier.config.vocab_size, tokenizer, train_files_.front());
  if (splits.validation)
    data::CheckVocabulary(*splits.validation, classifier.config.vocab_size, tokenizer, "validation data");
  if (splits.test) data::CheckVocabulary(*splits.test, classifier.config.vocab_size, tokenizer, "test data");
  method.select(*classifier.model, method_options_);
  if (method.has_adapter) classifier.AddAdapter(method_options_.lora, model_, trainer_.seed);
  classifier.model->trunk()->set_gradient_checkpointing(gradient_checkpointing_);
  classifier.model->trunk()->SetMatmulDtype(machine_.MatmulDtype());
  return {.splits = std::move(splits), .classifier = std::move(classifier), .plan = plan};
}

PlanRequest Train::Request(at::ScalarType dtype, int64_t num_labels) const {
  return {.model = model_,
          .method = method_,
          .method_options = method_options_,
          .trainer = trainer_,
          .dtype = dtype,
          .base_weights = lora_.BaseWeights(),
          .gradient_checkpointing = gradient_checkpointing_,
          .cache_frozen = cache_frozen_,
          .eval_batch_tokens = eval_batch_tokens_,
          .max_length = columns_.max_length,
          .num_labels = num_labels};
}

void Train::DryRun() {
  Job job = Prepare();
  train::Classification task(job.classifier, {.label_smoothing = label_smoothing_});
  PrintPlan(job.plan, task, job.splits.All(), trainer_, job.classifier.config.num_hidden_layers);
}

void Train::CheckSameRun(const fs::path& checkpoint, const char* part) const {
  if (checkpoint.empty()) return;
  const nlohmann::ordered_json state = train::ReadCheckpointState(checkpoint);
  const auto run = state.find("run");
  if (run == state.end() || !run->is_object() || !run->contains(part) || !run->at(part).is_object())
    Fail("{}: trainer_state.json does not say of what run it is", checkpoint.string());
  CheckSame(run->at(part), trainer_.run[part], checkpoint.string());
}

// An evaluation may take as long as an epoch: it is not waited for when a signal asks for an end.
std::function<void(int64_t, int64_t)> Train::EvaluationProgress() const {
  return [this, count = CountingProgress("evaluating")](int64_t examples, int64_t total) {
    if (count) count(examples, total);
    if (signals_ && signals_->received() != 0) throw train::StopEvaluation{};
  };
}

void Train::EndBySignal(int64_t step) const {
  const int signal = signals_->received();
  log::Info("stopped by {} after step {}; to go on:", SignalName(signal), step);
  log::Info("  {}", ResumeCommand(output_dir_));
  throw StoppedBySignal{signal};
}

void Train::Fit(Job& job, const fs::path& checkpoint) {
  const Splits& splits = job.splits;
  train::Classification task(job.classifier, {.label_smoothing = label_smoothing_,
                                              .evaluation = {.max_tokens_per_batch = eval_batch_tokens_,
                                                             .progress = EvaluationProgress()}});
  KeepFrozenStates(splits, job.classifier.model, task);
  train::ConsoleObserver console(isatty(STDERR_FILENO) != 0, logging_steps_);
  train::JsonlObserver log_file(output_dir_, checkpoint);
  train::Trainer trainer(task, splits.train, splits.validation ? &*splits.validation : nullptr, trainer_,
                         output_dir_, {&console, &log_file});
  if (!checkpoint.empty()) trainer.Resume(checkpoint);
  signals_.emplace();
  const train::TrainerState state = trainer.Run([&] { return signals_->received() != 0; });
  if (state.is_stopped) EndBySignal(state.steps);
  try {
    Report(state, task, splits);
  } catch (const train::StopEvaluation&) {
    EndBySignal(state.steps);
  }
}

void Train::Report(const train::TrainerState& state, train::Classification& task,
                   const Splits& splits) const {
  nlohmann::ordered_json summary = {
      {"train_loss", state.train_loss},
      {"train_steps", state.steps},
      {"train_runtime", state.seconds},
      {"train_tokens_per_second", static_cast<double>(state.tokens) / state.seconds}};
  if (state.skipped_steps > 0) summary["skipped_steps"] = state.skipped_steps;
  if (!state.best_metrics.is_null()) summary["validation"] = state.best_metrics;
  if (splits.test) summary["test"] = task.Evaluate(*splits.test);
  WriteFileAtomically(fs::path(output_dir_) / "all_results.json", train::Text(summary) + "\n");
  for (const char* part : {"validation", "test"}) {
    if (summary.contains(part)) summary[part] = train::Concise(summary[part]);
  }
  std::cout << train::Text(summary) << std::endl;
  if (splits.test) log::Info("test {}", train::Numbers(summary["test"]));
  log::Info("model saved in {}", output_dir_);
}

void Train::Run(const OptionSet& options) {
  CheckOptions(options);
  if (dry_run_) return DryRun();
  model::RefuseInPlace(model_, output_dir_, "--output-dir");
  const RunDirectory directory(output_dir_);
  model::RefuseShadows(output_dir_, train::FindMethod(method_).has_adapter);
  const fs::path checkpoint = directory.FindStart(resume_from_, overwrite_output_dir_);
  const fs::path record = fs::path(output_dir_) / RunDirectory::kRecord;
  // A run that had no checkpoint yet may have left a model, which is not another run's to replace.
  const bool begins_again = !resume_from_.empty() && checkpoint.empty() && fs::exists(record);
  // What is recorded is the run, not how it was begun.
  resume_from_.clear();
  overwrite_output_dir_ = false;
  trainer_.run["options"] = DescribeOptions(options);
  CheckSameRun(checkpoint, "options");
  if (begins_again) CheckSame(RecordedOptions(record), trainer_.run["options"], record.string());

  Job job = Prepare();
  trainer_.run["inputs"] = DescribeInputs(
      job.splits.train, job.splits.validation ? &*job.splits.validation : nullptr, *job.classifier.model);
  CheckSameRun(checkpoint, "inputs");
  directory.Begin(options.Effective(), /*anew=*/checkpoint.empty());
  Fit(job, checkpoint);
}

}  // namespace gemtune::cli
