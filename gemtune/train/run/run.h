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

/// What a run asks of its surroundings while it works; each may be left out.
struct RunHooks {
  /// Is it to end, in a checkpoint, as soon as it can?
  std::function<bool()> stop_requested = {};

  /// Called once for each long piece of work without steps, with what that is ("evaluating"): what it gives
  /// is called with the examples done, of how many.
  std::function<std::function<void(int64_t examples, int64_t total)>(const std::string& work)> progress = {};
};

struct RunResult {
  TrainerState state;
  bool is_stopped = false;         // asked to end before the end: a run that resumes goes on
  nlohmann::ordered_json summary;  // all_results.json, of a run that came to its end
};

/// A training run, put together from a model, data, a task, a method and options:
///
///     train::Run run({.model = "gemma-3-270m", .method = "lora", .data = {.train_files = {"train.parquet"}},
///                     .output_dir = "out"});
///     run.LoadModel();
///     run.Train();
///
/// Its output directory is held by this process, and nothing in it is touched before Train.
class Run {
 public:
  /// Opens the model, reads and tokenises the data, and foresees what the run takes; no weights are read yet.
  /// With an output directory, looks where the run begins: see RunDirectory::FindStart. Throws Error for
  /// options, a model or data that do not fit, in that order: what is known early is said early.
  explicit Run(RunOptions options, RunRecord record = {}, RunHooks hooks = {});

  /// As Completed.
  const RunOptions& options() const { return options_; }
  data::DataSplits data() const { return splits_->All(); }
  const RunPlan& plan() const { return *plan_; }
  at::ScalarType dtype() const { return dtype_; }

  /// Reads the weights, freezes what the method leaves alone and puts its adapter on. Throws Error for a run
  /// that cannot fit into memory.
  Task& LoadModel();

  /// The task on its model, after LoadModel.
  Task& task() { return *task_; }

  /// Trains, or goes on with training, keeps the best model (or the last) in the output directory, measures
  /// the test data and writes all_results.json. `observers` are told first, then the run's own log.
  RunResult Train(std::vector<Observer*> observers = {});

 private:
  void OpenDirectory();
  void CheckModel() const;
  void CheckSameAs(const std::filesystem::path& checkpoint, const char* part) const;
  void KeepFrozenStates();
  std::function<void(int64_t examples, int64_t total)> Progress(const std::string& work) const;
  std::function<void(int64_t examples, int64_t total)> EvaluationProgress() const;
  nlohmann::ordered_json Summary(const TrainerState& state);

  RunOptions options_;
  RunRecord record_;
  RunHooks hooks_;
  std::optional<RunDirectory> directory_;
  std::filesystem::path checkpoint_;  // that it goes on from; empty: from the start
  std::optional<model::ModelSource> source_;
  std::optional<text::Tokenizer> tokenizer_;
  std::optional<Splits> splits_;
  at::ScalarType dtype_ = at::kFloat;
  std::optional<RunPlan> plan_;
  std::unique_ptr<Task> task_;
};

}  // namespace gemtune::train
