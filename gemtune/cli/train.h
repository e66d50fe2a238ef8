#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "gemtune/cli/command.h"
#include "gemtune/cli/options.h"
#include "gemtune/cli/run_plan.h"
#include "gemtune/cli/stop_signals.h"
#include "gemtune/train/classification.h"
#include "gemtune/train/method.h"
#include "gemtune/train/trainer.h"

namespace gemtune::cli {

/// gemtune train
class Train : public Command {
 public:
  void Declare(OptionSet& options) override;
  void Run(const OptionSet& options) override;

 protected:
  struct Splits {
    data::Dataset train;
    std::optional<data::Dataset> validation, test;
    data::DataSplits All() const {
      return {&train, validation ? &*validation : nullptr, test ? &*test : nullptr};
    }
  };
  /// What a run works on.
  struct Job {
    Splits splits;
    model::PretrainedClassifier classifier;
    RunPlan plan;
  };

  /// Every option; a command that saves nothing needs no --output-dir.
  void DeclareAll(OptionSet& options, bool needs_output_dir);

  /// Throws Error for options that contradict each other; before any work.
  void CheckOptions(const OptionSet& options);

  /// Reads data and model and freezes what --method leaves alone. Throws Error for what is wrong with them.
  /// Warns of data that makes a run pointless. Throws Error too for a run that cannot fit into memory.
  Job Prepare();

  train::TrainerOptions trainer_;
  std::string model_;
  std::string task_ = "classification";
  std::string method_ = "full";
  double label_smoothing_ = 0;
  LoraOptions lora_;

 private:
  Splits LoadData(const text::Tokenizer& tokenizer, const std::optional<model::ClassifierHead>& before) const;
  void ChooseBestBy(const train::ClassificationKind& kind);  // checks --metric-for-best-model
  std::optional<model::ClassifierHead> CheckModel() const;   // the head that it brings along
  void DeclareSaving(OptionSet& options);
  void CheckSameRun(const std::filesystem::path& checkpoint, const char* part) const;
  void Fit(Job& job, const std::filesystem::path& checkpoint);
  void Report(const train::TrainerState& state, train::Classification& task, const Splits& splits) const;
  std::function<void(int64_t examples, int64_t total)> EvaluationProgress() const;
  [[noreturn]] void EndBySignal(int64_t step) const;
  PlanRequest Request(at::ScalarType dtype, int64_t num_labels) const;
  void DryRun();
  void KeepFrozenStates(const Splits& splits, model::SequenceClassifier& model,
                        train::Classification& task) const;

  MachineOptions machine_;
  ColumnOptions columns_;
  train::MethodOptions method_options_;
  std::vector<std::string> train_files_, validation_files_, test_files_;
  std::vector<std::string> label_names_;
  double validation_split_ = 0;
  int64_t max_train_samples_ = 0, max_eval_samples_ = 0, max_test_samples_ = 0;
  bool cache_frozen_ = false, gradient_checkpointing_ = false;
  int64_t eval_batch_tokens_ = 4096;
  int64_t logging_steps_ = 10;
  std::string output_dir_, resume_from_;
  bool overwrite_output_dir_ = false, dry_run_ = false;
  std::optional<StopSignals> signals_;  // from the first step on
};

}  // namespace gemtune::cli
