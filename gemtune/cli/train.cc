#include "gemtune/cli/train.h"

#include <unistd.h>

#include <iostream>
#include <sstream>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/log.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/train/classification.h"
#include "gemtune/train/observers.h"
#include "gemtune/train/schedule.h"

namespace gemtune::cli {
namespace {

struct Method {
  std::string name;
  double learning_rate;  // where none is given
  void (*select)(model::SequenceClassifierImpl&);
};

// The second axis: which parameters move.
const std::vector<Method>& Methods() {
  static const std::vector<Method> methods = {
      {"full", 2e-5, [](model::SequenceClassifierImpl&) {}},
      {"head", 1e-3,
       [](model::SequenceClassifierImpl& classifier) {
         for (const at::Tensor& parameter : classifier.trunk()->parameters())
           parameter.set_requires_grad(false);
       }},
  };
  return methods;
}

const Method& FindMethod(const std::string& name) {
  for (const Method& method : Methods()) {
    if (method.name == name) return method;
  }
  Fail("--method '{}' is not known", name);
}

std::vector<std::string> MethodNames() {
  std::vector<std::string> names;
  for (const Method& method : Methods()) names.push_back(method.name);
  return names;
}

std::vector<std::string> TaskNames() {
  std::vector<std::string> names;
  for (const train::ClassificationKind& kind : train::ClassificationKinds()) names.push_back(kind.task);
  return names;
}

}  // namespace

void Train::Declare(CLI::App& app) {
  app_ = &app;
  app.set_config("--config", "", "TOML file with any of these options (learning-rate = 1e-5)");
  const CLI::Range natural(int64_t{1}, int64_t{1} << 40), whole(int64_t{0}, int64_t{1} << 40),
      fraction(0.0, 1.0);

  app.add_option("--model,--model-name-or-path", model_,
                 "Pre-trained Gemma 3: a Hugging Face directory or a GGUF file")
      ->required()
      ->group("Model");
  app.add_option("--task", task_, "What to learn")->check(CLI::IsMember(TaskNames()))->group("Model");
  app.add_option("--method", method_, "Which weights move")
      ->check(CLI::IsMember(MethodNames()))
      ->group("Model");
  app.add_option("--output-dir", output_dir_, "Where the trained model and its records go")
      ->required()
      ->group("Model");

  app.add_option("--train-file", train_files_,
                 "Files or globs: .parquet .csv .tsv .jsonl, the text ones also compressed")
      ->required()
      ->group("Data");
  app.add_option("--validation-file", validation_files_, "The same, for the loss and metrics of each epoch")
      ->group("Data");
  app.add_option("--test-file", test_files_, "The same, measured once at the end")->group("Data");
  app.add_option("--validation-split", validation_split_,
                 "Without --validation-file: this share (below 1) or number of training examples")
      ->check(CLI::Range(0.0, 1e12))
      ->group("Data");
  columns_.Declare(app, /*with_labels=*/true);
  app.add_option("--label-names", label_names_, "Names of the classes in the order of their ids")
      ->delimiter(',')
      ->group("Data");
  app.add_option("--max-train-samples", max_train_samples_, "The first so many only; 0: all")
      ->check(whole)
      ->group("Data");
  app.add_option("--max-eval-samples", max_eval_samples_, "The same of the validation data")
      ->check(whole)
      ->group("Data");
  app.add_option("--max-test-samples", max_test_samples_, "The same of the test data")
      ->check(whole)
      ->group("Data");

  train::TrainerOptions& t = trainer_;
  app.add_option("--num-train-epochs", t.num_train_epochs, "Passes over the training data")
      ->check(CLI::Range(1e-6, 1e6))
      ->group("Training");
  app.add_option("--max-steps", t.max_steps, "Optimiser steps, instead of epochs; 0: by epochs")
      ->check(whole)
      ->group("Training");
  app.add_option("--per-device-train-batch-size,--batch-size", t.batch_size, "Sequences a forward pass")
      ->check(natural)
      ->group("Training");
  app.add_option("--gradient-accumulation-steps", t.gradient_accumulation_steps,
                 "Forward passes an optimiser step")
      ->check(natural)
      ->group("Training");
  app.add_option("--group-by-length", t.group_by_length, "Batches of similar length, in random order")
      ->group("Training");
  app.add_option("--label-smoothing-factor", label_smoothing_, "Share of the target spread over all classes")
      ->check(fraction)
      ->group("Training");
  app.add_option("--seed", t.seed, "Of the order of the data")->group("Training");

  app.add_option("--learning-rate", t.learning_rate, "Peak learning rate [full: 2e-5, head: 1e-3]")
      ->default_str("")
      ->check(CLI::Range(0.0, 10.0))
      ->group("Optimiser");
  app.add_option("--lr-scheduler-type", t.lr_scheduler_type, "Its course")
      ->check(CLI::IsMember(train::ScheduleTypes()))
      ->group("Optimiser");
  app.add_option("--warmup-ratio", t.warmup_ratio, "Share of the steps over which it rises")
      ->check(fraction)
      ->group("Optimiser");
  app.add_option("--warmup-steps", t.warmup_steps, "The same in steps; 0: by ratio")
      ->check(whole)
      ->group("Optimiser");
  app.add_option("--weight-decay", t.adamw.weight_decay, "Decoupled, of matrices only")
      ->check(CLI::Range(0.0, 10.0))
      ->group("Optimiser");
  app.add_option("--adam-beta1", t.adamw.beta1, "Decay of the first moment")
      ->check(CLI::Range(0.0, 0.999999))
      ->group("Optimiser");
  app.add_option("--adam-beta2", t.adamw.beta2, "Decay of the second moment")
      ->check(CLI::Range(0.0, 0.9999999))
      ->group("Optimiser");
  app.add_option("--adam-epsilon", t.adamw.epsilon, "Added to its root")
      ->check(CLI::Range(1e-30, 1.0))
      ->group("Optimiser");
  app.add_option("--max-grad-norm", t.max_grad_norm,
                 "Gradients longer than this are shortened to it; 0: never")
      ->check(CLI::Range(0.0, 1e9))
      ->group("Optimiser");

  app.add_option("--eval-strategy", t.eval_strategy, "When to validate; always also at the end")
      ->check(CLI::IsMember({"epoch", "steps", "no"}))
      ->group("Evaluation");
  app.add_option("--eval-steps", t.eval_steps, "Steps between validations with --eval-strategy steps")
      ->check(natural)
      ->group("Evaluation");
  app.add_option("--load-best-model-at-end", t.load_best_model_at_end, "Keep the best model, not the last")
      ->group("Evaluation");
  app.add_option("--metric-for-best-model", t.metric_for_best_model,
                 "What best means: loss, accuracy, macro_f1, mse, ...")
      ->group("Evaluation");
  app.add_option("--eval-batch-tokens", eval_batch_tokens_, "Tokens a forward pass when measuring")
      ->check(natural)
      ->group("Evaluation");
  app.add_option("--logging-steps", logging_steps_, "Steps between lines where standard error is no terminal")
      ->check(natural)
      ->group("Evaluation");
  machine_.Declare(app);
}

void Train::CheckOptions() const {
  if (!validation_files_.empty() && validation_split_ > 0)
    Fail("--validation-file and --validation-split exclude each other; give one");
  if (task_ != "classification" && label_smoothing_ > 0)
    Fail("--label-smoothing-factor is for --task classification");
  if (task_ == "regression" && !label_names_.empty())
    Fail("--label-names does not go with --task regression");
}

Train::Splits Train::LoadData(const text::Tokenizer& tokenizer) const {
  data::DatasetOptions options = columns_.Dataset(train_files_);
  options.label_kind = train::KindOfTask(task_).label_kind;
  options.max_samples = max_train_samples_;
  if (!label_names_.empty()) options.labels = data::LabelSet{label_names_};
  Splits splits{.train = data::Dataset::Load(options, tokenizer)};
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
  log::Info("data: {} training examples of {:.0f} tokens on average ({} cut at {})", splits.train.size(),
            static_cast<double>(splits.train.tokens()) / static_cast<double>(splits.train.size()),
            splits.train.truncated(), columns_.max_length);
  return splits;
}

void Train::MakeOutputDirectory() const {
  std::error_code error;
  std::filesystem::create_directories(output_dir_, error);
  if (!std::filesystem::is_directory(output_dir_)) {
    Fail("{}: {}; give another --output-dir", output_dir_,
         std::filesystem::exists(output_dir_) ? "is a file" : error.message());
  }
}

void Train::WriteEffectiveOptions() const {
  app_->get_option("--learning-rate")->default_str(fmt::format("{}", trainer_.learning_rate));
  std::istringstream all(app_->config_to_str(/*default_also=*/true, /*write_description=*/false));
  std::string text;
  for (std::string line; std::getline(all, line);) {
    // An option without a value must be left out: read back it would be an empty name or file.
    if (!line.ends_with("=\"\"") && !line.ends_with("=[]")) text += line + "\n";
  }
  WriteFileAtomically(std::filesystem::path(output_dir_) / "run.toml", text);
}

void Train::Run() {
  CheckOptions();
  MakeOutputDirectory();
  machine_.Apply();
  const Method& method = FindMethod(method_);
  if (app_->count("--learning-rate") == 0) trainer_.learning_rate = method.learning_rate;
  const text::Tokenizer tokenizer = text::Tokenizer::Load(model_);
  const Splits splits = LoadData(tokenizer);
  const train::ClassificationKind& kind = train::KindOfTask(task_);
  const bool is_regression = kind.label_kind == data::LabelKind::kRegression;
  const model::ClassifierHead head{
      .problem_type = kind.problem_type,
      .label_names = is_regression ? std::vector<std::string>{"LABEL_0"} : splits.train.labels().names};
  auto classifier = model::PretrainedClassifier::FromBase(model_, tokenizer, head, machine_.ScalarType());
  CheckVocabulary(splits.train, classifier.config.vocab_size, tokenizer, train_files_.front());
  if (splits.validation)
    CheckVocabulary(*splits.validation, classifier.config.vocab_size, tokenizer, "validation data");
  if (splits.test) CheckVocabulary(*splits.test, classifier.config.vocab_size, tokenizer, "test data");
  method.select(*classifier.model);
  WriteEffectiveOptions();

  train::Classification task(classifier, {.label_smoothing = label_smoothing_,
                                          .evaluation = {.max_tokens_per_batch = eval_batch_tokens_}});
  train::ConsoleObserver console(isatty(STDERR_FILENO) != 0, logging_steps_);
  train::JsonlObserver log_file(std::filesystem::path(output_dir_) / "train_log.jsonl");
  train::Trainer trainer(task, splits.train, splits.validation ? &*splits.validation : nullptr, trainer_,
                         output_dir_, {&console, &log_file});
  const train::TrainResult result = trainer.Run();

  nlohmann::ordered_json summary = {
      {"train_loss", result.train_loss},
      {"train_steps", result.steps},
      {"train_runtime", result.seconds},
      {"train_tokens_per_second", static_cast<double>(result.tokens) / result.seconds}};
  if (!result.best_metrics.is_null()) summary["validation"] = result.best_metrics;
  if (splits.test) summary["test"] = task.Evaluate(*splits.test);
  WriteFileAtomically(std::filesystem::path(output_dir_) / "all_results.json", summary.dump(2) + "\n");
  std::cout << summary.dump(2) << std::endl;
  log::Info("model saved in {}", output_dir_);
}

}  // namespace gemtune::cli
