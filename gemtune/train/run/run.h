#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemtune/train/run/directory.h"
#include "gemtune/train/run/identity.h"
#include "gemtune/train/run/plan.h"
#include "gemtune/train/run/splits.h"
#include "gemtune/train/trainer.h"

namespace gemtune::train {

/// Callbacks that a run uses while it works; each may be left out.
struct RunHooks {
  /// Whether the run should save a checkpoint and stop as soon as it can.
  std::function<bool()> stop_requested = {};

  /// Called once for each long piece of work without steps, with its name ("evaluating"). The returned
  /// function is then called with the number of examples done and their total.
  std::function<std::function<void(int64_t examples, int64_t total)>(const std::string& work)> progress = {};
};

struct RunResult {
  TrainerState state;
  bool is_stopped = false;         // stopped early on request; the run can be resumed
  nlohmann::ordered_json summary;  // all_results.json, if the run finished
};

/// A training run, put together from a model, data, a task, a method and options:
///
///     train::Run run({.model = "gemma-3-270m", .method = "lora", .data = {.train_files = {"train.parquet"}},
///                     .output_dir = "out"});
///     run.Train();
///
/// The run locks its output directory for this process, and changes nothing in it before Train.
class Run {
 public:
  /// Opens the model, reads and tokenises the data, and plans the run; weights are not read yet. With an
  /// output directory, finds where the run begins: see RunDirectory::FindStart. Throws Error for options, a
  /// model or data that do not fit, in that order, so that each error is reported as early as possible.
  /// `record` is RecordOf(options) unless it says otherwise.
  explicit Run(RunOptions options, RunRecord record = {}, RunHooks hooks = {});

  /// As returned by Completed.
  const RunOptions& options() const { return options_; }
  data::DataSplits data() const { return splits_->All(); }
  const RunPlan& plan() const { return *plan_; }
  at::ScalarType dtype() const { return dtype_; }

  /// Reads the weights, freezes those that the method does not train and adds its adapter. Throws Error for a
  /// run that cannot fit into memory.
  Task& LoadModel();

  /// The task with its model; only after LoadModel.
  Task& task() { return *task_; }

  /// Loads the model unless LoadModel was called. Trains, or resumes training, keeps the best model (or the
  /// last) in the output directory, evaluates the test data and writes all_results.json. `observers` are told
  /// first, then the run's own log.
  RunResult Train(std::vector<Observer*> observers = {});

 private:
  void OpenDirectory();
  void CheckModel() const;
  void CheckSameAs(const std::filesystem::path& checkpoint, const char* part) const;
  void KeepFrozenStates();
  std::function<void(int64_t examples, int64_t total)> Progress(const std::string& work) const;
  std::function<void(int64_t examples, int64_t total)> EvaluationProgress() const;
  nlohmann::ordered_json Summary(const TrainerState& state, const Metrics& fitted);
  void WriteFacts(bool is_start, const RunResult& result);

  RunOptions options_;
  RunRecord record_;
  RunHooks hooks_;
  std::optional<RunDirectory> directory_;
  std::filesystem::path checkpoint_;  // to resume from; empty: from the start
  std::optional<model::ModelSource> source_;
  std::optional<text::Tokenizer> tokenizer_;
  std::optional<Splits> splits_;
  at::ScalarType dtype_ = at::kFloat;
  std::optional<RunPlan> plan_;
  std::unique_ptr<Task> task_;
};

}  // namespace gemtune::train
