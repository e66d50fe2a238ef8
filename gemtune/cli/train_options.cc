#include "gemtune/cli/train_options.h"

#include <algorithm>
#include <set>

#include "gemtune/base/error.h"
#include "gemtune/cli/next_command.h"
#include "gemtune/train/schedule.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

train::IntervalStrategy StrategyOf(const std::string& name) {
  return std::ranges::find(train::IntervalStrategies(), name, &train::NamedStrategy::name)->strategy;
}

// "full 1e-5, head 1e-3, ..."
std::string LearningRates() {
  std::string text;
  for (const train::Method& method : train::Methods()) {
    std::string rate = fmt::format("{:g}", method.learning_rate);
    if (const size_t zero = rate.find("e-0"); zero != rate.npos) rate.erase(zero + 2, 1);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", method.name, rate);
  }
  return text;
}

// Options that do not change the training's numbers: where files are, what is reported, what is kept. Files
// and --dtype are compared by their effect, as inputs.
const std::set<std::string> kFree = {"--cache-dir",
                                     "--deterministic",
                                     "--device",
                                     "--dry-run",
                                     "--dtype",
                                     "--logging-steps",
                                     "--max-bad-steps",
                                     "--max-test-samples",
                                     "--model",
                                     "--no-cache",
                                     "--output-dir",
                                     "--overwrite-output-dir",
                                     "--report-to",
                                     "--resume-from-checkpoint",
                                     "--save-steps",
                                     "--save-strategy",
                                     "--save-total-limit",
                                     "--test-file",
                                     "--threads",
                                     "--train-file",
                                     "--validation-file"};

// Every option in effect: name → value.
Json DescribeOptions(const OptionSet& options) {
  Json values;
  for (const auto& [name, value] : options.Values()) values["--" + name] = value;
  return values;
}

// DescribeOptions of the run that wrote this run.toml.
Json RecordedOptions(const std::filesystem::path& record) {
  TrainOptions run;
  OptionSet options("gemtune train", "");
  run.Declare(options, /*needs_output_dir=*/true);
  options.Parse({"--config", record.string()});
  return DescribeOptions(options);
}

}  // namespace

void TrainOptions::Declare(OptionSet& options, bool needs_output_dir) {
  run_.task = train::Tasks().front().name;
  options.Group("Plan");
  options.Add("--dry-run", dry_run_,
              "Report what the run would need (data, steps, memory, and the duration after three timed "
              "steps), print it as JSON and write nothing");
  options.Group("Model");
  options.Add("--model,--model-name-or-path", run_.model,
              "Pre-trained Gemma 3: a Hugging Face directory, a GGUF file, or a name that gemtune fetch took",
              {.required = true, .is_model = true});
  options.Add("--task", run_.task, "What to learn", {.choices = NamesOf(train::Tasks())});
  options.Add("--method", run_.method, "Which weights to train", {.choices = NamesOf(train::Methods())});
  options.Add(
      "--trainable-layers", run_.method_options.trainable_layers,
      "--method freeze: layers to train, such as 12-17, 12- or 3,7, besides the final norm and the head");
  options.Add("--freeze-embeddings", run_.method_options.freeze_embeddings,
              "--method freeze: train everything but the token embedding");
  options.Add("--trainable-parameters", run_.method_options.trainable_parameters,
              "--method freeze: parameters to train, by a regular expression on their names");
  options.Add("--output-dir", output_dir_, "Where the trained model and its records go",
              {.required = needs_output_dir, .is_path = true});

  DeclareData(options);
  DeclareTraining(options);
  DeclareOptimiser(options);
  DeclareEvaluation(options);
  DeclareReports(options);
  DeclareSaving(options);
  lora_.Declare(options);
  machine_.Declare(options);
}

void TrainOptions::DeclareData(OptionSet& options) {
  train::DataOptions& data = run_.data;
  options.Group("Data");
  options.Add("--train-file", data.train_files, kFilesHelp, {.required = true, .is_path = true});
  options.Add("--validation-file", data.validation_files,
              "Validation files: loss and metrics are measured after each epoch", {.is_path = true});
  options.Add("--test-file", data.test_files, "Test files, evaluated once at the end", {.is_path = true});
  options.Add(
      "--validation-split", data.validation_split,
      "Without --validation-file: validate on this share (below 1) or number of the training examples",
      {.min = 0});
  columns_.Declare(options, {.labels = true, .conversations = true, .loss_weights = true});
  options.Add("--label-names", run_.task_options.label_names,
              "Names of the classes in the order of their ids", {.delimiter = ','});
  options.Add("--max-train-samples", data.max_train_samples,
              "Use only this many training examples, the first ones; 0: all", {.min = 0});
  options.Add("--max-eval-samples", data.max_eval_samples,
              "Use only this many validation examples, the first ones; 0: all", {.min = 0});
  options.Add("--max-test-samples", data.max_test_samples,
              "Use only this many test examples, the first ones; 0: all", {.min = 0});
}

void TrainOptions::DeclareTraining(OptionSet& options) {
  train::TrainerOptions& t = run_.trainer;
  options.Group("Training");
  options.Add("--num-train-epochs", t.num_train_epochs, "Passes over the training data",
              {.min = 1e-6, .max = 1e6});
  options.Add("--max-steps", t.max_steps, "Optimiser steps, instead of epochs; 0: use --num-train-epochs",
              {.min = 0});
  options.Add("--per-device-train-batch-size,--batch-size", t.batch_size, "Sequences per forward pass",
              {.min = 1, .max = 1 << 20});
  options.Add("--max-tokens-per-batch", t.max_tokens_per_batch,
              "Split a batch of more tokens into several forward passes of the same step; 0: no limit",
              {.min = 0, .max = 1 << 24});
  options.Add("--packing", t.packing,
              "Fill each forward pass with as many examples as --max-tokens-per-batch holds (by default "
              "--batch-size examples of --max-length) instead of a fixed number; they never see each other");
  options.Add("--gradient-accumulation-steps", t.gradient_accumulation_steps,
              "Forward passes per optimiser step", {.min = 1, .max = 1 << 20});
  options.Add("--group-by-length", t.group_by_length, "Batches of similar length, in random order");
  options.Add("--label-smoothing-factor", run_.task_options.label_smoothing_factor,
              "Share of the target spread over all classes", {.min = 0, .max = 1});
  options.Add(
      "--class-weights", run_.task_options.class_weights,
      "How much the loss of a class counts: balanced, name=weight,..., or a JSON file with such names",
      {.is_path_or_word = true});
  options.Add("--focal-gamma", run_.task_options.focal_gamma,
              "Focal loss: examples that are right count less, by (1 - probability)^gamma; 2 for example",
              {.min = 0, .max = 100});
  options.Add("--neftune-noise-alpha", run_.neftune_noise_alpha,
              "NEFTune: noise of this size on the token embeddings while training, 5 for example; 0: none",
              {.min = 0, .max = 1e6});
  options.Add("--gradient-checkpointing", run_.gradient_checkpointing,
              "Keep only each layer's input and compute the layer again in the backward pass: less memory, "
              "more time");
  options.Add(
      "--cache-frozen", run_.cache_frozen,
      "Compute the results of the frozen layers below the lowest trained one only once, and keep them");
  options.Add("--seed", t.seed, "Seed of the order of the data", {.min = 0});
}

void TrainOptions::DeclareOptimiser(OptionSet& options) {
  train::TrainerOptions& t = run_.trainer;
  options.Group("Optimiser");
  options.Add("--learning-rate", t.learning_rate,
              "Peak learning rate; the default depends on the method: " + LearningRates(),
              {.min = 0, .max = 10});
  options.Add("--lr-scheduler-type", t.lr_scheduler_type, "Course of the learning rate after the warm-up",
              {.choices = train::ScheduleTypes()});
  options.Add("--warmup-ratio", t.warmup_ratio, "Share of the steps over which the learning rate rises",
              {.min = 0, .max = 1});
  options.Add("--warmup-steps", t.warmup_steps,
              "Steps over which the learning rate rises; 0: by --warmup-ratio", {.min = 0});
  options.Add("--weight-decay", t.adamw.weight_decay, "Decoupled weight decay, for matrices only",
              {.min = 0, .max = 10});
  options.Add("--adam-beta1", t.adamw.beta1, "Decay of the first moment", {.min = 0, .max = 0.999999});
  options.Add("--adam-beta2", t.adamw.beta2, "Decay of the second moment", {.min = 0, .max = 0.9999999});
  options.Add("--adam-epsilon", t.adamw.epsilon, "Added to the root of the second moment",
              {.min = 1e-30, .max = 1});
  options.Add("--max-grad-norm", t.max_grad_norm, "Clip the gradient to this norm; 0: never", {.min = 0});
}

void TrainOptions::DeclareEvaluation(OptionSet& options) {
  train::TrainerOptions& t = run_.trainer;
  options.Group("Evaluation");
  options.Add("--eval-strategy", eval_strategy_, "When to validate; with epoch and steps also at the end",
              {.choices = NamesOf(train::IntervalStrategies())});
  options.Add("--eval-steps", t.eval_steps, "Steps between validations with --eval-strategy steps",
              {.min = 1});
  options.Add("--load-best-model-at-end", t.load_best_model_at_end, "Keep the best model, not the last");
  options.Add("--metric-for-best-model", t.metric_for_best_model,
              "What best means: loss, or a metric that evaluate prints");
  options.Add("--eval-batch-tokens", run_.task_options.evaluation.max_tokens_per_batch,
              "Tokens per forward pass in evaluations", {.min = 1, .max = 1 << 24});
  options.Add("--eval-on-start", t.eval_on_start, "Also validate before the first step");
  options.Add("--early-stopping-patience", t.early_stopping_patience,
              "End after this many validations in a row that were not better than the best before; 0: never",
              {.min = 0});
  options.Add("--calibrate", run_.task_options.calibrate,
              "After training, fit a temperature to the validation data, so that a score is the share of "
              "predictions with it that are right; kept in the model");
  options.Add(
      "--tune-thresholds", run_.task_options.tune_thresholds,
      "After training, find on the validation data from which score on each of several labels is given: "
      "f1, precision=X or recall=X; kept in the model");
  options.Add("--early-stopping-threshold", t.early_stopping_threshold,
              "How much better a validation must be for --early-stopping-patience", {.min = 0});
}

void TrainOptions::DeclareReports(OptionSet& options) {
  options.Group("Reports");
  options.Add(
      "--logging-steps", run_.trainer.logging_steps,
      "Steps between entries of trainer_state.json's log_history and events for TensorBoard, and between "
      "progress lines if standard error is not a terminal",
      {.min = 1});
  options.Add("--report-to", run_.report_to,
              "Where the course of the run is written: jsonl (train_log.jsonl), html (report.html, a page to "
              "look at), "
              "tensorboard (runs), all or none",
              {.delimiter = ','});
}

void TrainOptions::DeclareSaving(OptionSet& options) {
  train::TrainerOptions& t = run_.trainer;
  options.Group("Checkpoints");
  options.Add("--save-strategy", save_strategy_,
              "When to save a checkpoint, from which the run can be resumed",
              {.choices = NamesOf(train::IntervalStrategies())});
  options.Add("--save-steps", t.save_steps, "Steps between checkpoints with --save-strategy steps",
              {.min = 1});
  options.Add("--save-total-limit", t.save_total_limit,
              "Number of newest checkpoints to keep, besides the best; 0: all", {.min = 0});
  options.Add("--resume-from-checkpoint", run_.resume_from_checkpoint,
              "Resume from this checkpoint; without a value or with auto: from the newest in --output-dir",
              {.bare = "auto"});
  options.Add("--overwrite-output-dir", run_.overwrite_output_dir,
              "Begin even if --output-dir holds another run's results");
  options.Add("--max-bad-steps", t.max_bad_steps,
              "End the run when this many steps in a row had a loss or gradient of NaN or infinity",
              {.min = 1});
}

train::RunOptions TrainOptions::Checked(const OptionSet& options) {
  RefuseOfOthers(options, train::Methods(), run_.method, &train::Method::options, "--method");
  RefuseColumnsOfOtherTasks(options, run_.task);
  run_.trainer.eval_strategy = StrategyOf(eval_strategy_);
  run_.trainer.save_strategy = StrategyOf(save_strategy_);
  run_.method_options.lora = lora_.Config();
  if (options.Given("--learning-rate")) run_.learning_rate = run_.trainer.learning_rate;
  run_.device = machine_.Device();
  run_.dtype = machine_.Dtype();
  run_.matmul_dtype = machine_.MatmulDtype();
  run_.base_weights = lora_.BaseWeights();
  run_.data.reading = columns_.Dataset({});
  run_.output_dir = output_dir_;
  train::RunOptions completed = train::Completed(run_);
  // Now in effect, see OptionSet::Values.
  run_.trainer.learning_rate = completed.trainer.learning_rate;
  run_.trainer.max_tokens_per_batch = completed.trainer.max_tokens_per_batch;
  // run.toml records the run itself, not how it was started.
  run_.resume_from_checkpoint.clear();
  run_.overwrite_output_dir = false;
  return completed;
}

train::RunRecord TrainOptions::Record(const OptionSet& options) const {
  return {.options = DescribeOptions(options),
          .free = kFree,
          .text = options.Effective(),
          .commands = {{"Use it", "gemtune " + UseArguments(".", run_.task)},
                       {"Train it again", "gemtune train --config run.toml --output-dir again"}},
          .read = RecordedOptions};
}

}  // namespace gemtune::cli
