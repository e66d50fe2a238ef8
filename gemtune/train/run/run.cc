#include "gemtune/train/run/run.h"

#include <algorithm>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/log.h"
#include "gemtune/base/stopwatch.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/io/json_file.h"
#include "gemtune/model/model_directory.h"
#include "gemtune/model/native_dtype.h"
#include "gemtune/train/checkpoint.h"
#include "gemtune/train/report/report.h"
#include "gemtune/train/report/run_facts.h"
#include "gemtune/train/run/model_card.h"
#include "gemtune/train/tensorboard.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOutputDir = "`output_dir`";

}  // namespace

Run::Run(RunOptions options, RunRecord record, RunHooks hooks)
    : options_(Completed(std::move(options))), record_(std::move(record)), hooks_(std::move(hooks)) {
  if (record_.options.empty()) record_ = RecordOf(options_);
  if (!options_.output_dir.empty()) OpenDirectory();
  source_ = model::ModelSource::Open(options_.model);
  CheckModel();
  tokenizer_ = text::Tokenizer::Load(source_->path);
  splits_ = LoadSplits(options_, *source_, *tokenizer_);
  const TaskRow& task = TaskOf(options_);
  task.check(splits_->train, data().validation, options_.task_options);
  if (const std::string note = task.head_note(*source_, splits_->train); !note.empty()) log::Info("{}", note);
  dtype_ = options_.dtype ? *options_.dtype : model::NativeDtype(options_.device);
  plan_.emplace(options_, dtype_, task.num_outputs(splits_->train), *source_, splits_->All(),
                MachineMemory::Of(options_.device));
}

void Run::OpenDirectory() {
  const fs::path& path = options_.output_dir;
  model::RefuseInPlace(io::hub::FindModel(options_.model), path, kOutputDir);
  directory_.emplace(path.string());
  model::RefuseShadows(path, FindMethod(options_.method).has_adapter);
  checkpoint_ = directory_->FindStart(options_.resume_from_checkpoint, options_.overwrite_output_dir);
  options_.trainer.run["options"] = record_.options;
  CheckSameAs(checkpoint_, "options");
  // A run without a checkpoint may have left a model, which another run must not replace.
  const fs::path begun = path / RunDirectory::kRecord;
  const bool begins_again =
      !options_.resume_from_checkpoint.empty() && checkpoint_.empty() && fs::exists(begun);
  if (begins_again && record_.read)
    CheckSame(record_.read(begun), record_.options, begun.string(), record_.free);
}

// Called before the data is tokenised, which may take minutes.
void Run::CheckModel() const {
  const TaskOutline outline =
      TaskOf(options_).outline(*source_, /*num_outputs=*/1, {.base_weights = options_.base_weights});
  FindMethod(options_.method).select(*outline.module, options_.method_options);
  if (options_.cache_frozen && outline.trunk->FrozenStages() < 2)
    Fail("`cache_frozen`: no layer below the lowest trained weight is frozen, so there is nothing to keep");
}

void Run::CheckSameAs(const fs::path& checkpoint, const char* part) const {
  if (checkpoint.empty()) return;
  const nlohmann::ordered_json state = ReadCheckpointState(checkpoint);
  const auto run = state.find("run");
  if (run == state.end() || !run->is_object() || !run->contains(part) || !run->at(part).is_object())
    Fail("{}: trainer_state.json does not say which run it belongs to", checkpoint.string());
  CheckSame(run->at(part), options_.trainer.run[part], checkpoint.string(), record_.free);
}

Task& Run::LoadModel() {
  plan_->CheckFits();
  TaskOptions task_options = options_.task_options;
  task_options.evaluation.progress = EvaluationProgress();
  task_ = TaskOf(options_).make(
      *source_, *tokenizer_, splits_->train, task_options,
      {.dtype = dtype_, .device = options_.device, .base_weights = options_.base_weights});
  const Method& method = FindMethod(options_.method);
  method.select(task_->module(), options_.method_options);
  if (method.has_adapter)
    task_->pretrained().AddAdapter(options_.method_options.lora, options_.model, options_.trainer.seed);
  task_->trunk()->set_gradient_checkpointing(options_.gradient_checkpointing);
  task_->trunk()->SetMatmulDtype(options_.matmul_dtype);
  task_->pretrained().AddEmbeddingNoise(options_.neftune_noise_alpha, options_.trainer.seed);
  return *task_;
}

std::function<void(int64_t, int64_t)> Run::Progress(const std::string& work) const {
  return hooks_.progress ? hooks_.progress(work) : nullptr;
}

// An evaluation may take as long as an epoch, so a run that is to stop does not wait for it.
std::function<void(int64_t, int64_t)> Run::EvaluationProgress() const {
  return [stop_requested = hooks_.stop_requested, shown = Progress("evaluating")](int64_t examples,
                                                                                  int64_t total) {
    if (shown) shown(examples, total);
    if (stop_requested && stop_requested()) throw StopEvaluation{};
  };
}

void Run::KeepFrozenStates() {
  if (!KeepsFrozenStates(task_->trunk(), splits_->train, options_)) return;
  const Stopwatch stopwatch;
  const int64_t bytes = task_->KeepFrozenStates(
      splits_->train, data().validation,
      {.forward = {.max_tokens_per_batch = options_.task_options.evaluation.max_tokens_per_batch,
                   .progress = Progress("frozen layers")},
       .max_memory_bytes = plan_->max_kept_bytes(),
       .directory = options_.output_dir});
  log::Info("kept the frozen layers' results: {:.1f} MB, computed in {:.1f} s",
            static_cast<double>(bytes) / 1e6, stopwatch.Seconds());
}

RunResult Run::Train(std::vector<Observer*> observers) {
  if (!directory_) Fail("{} is required: a run keeps its model there", kOutputDir);
  if (task_ == nullptr) LoadModel();
  options_.trainer.run["inputs"] = DescribeInputs(splits_->train, data().validation, task_->module());
  CheckSameAs(checkpoint_, "inputs");
  directory_->Begin(record_.text, /*anew=*/checkpoint_.empty());
  KeepFrozenStates();
  std::vector<std::unique_ptr<Observer>> reports;
  if (options_.ReportsTo("jsonl"))
    reports.push_back(std::make_unique<JsonlObserver>(options_.output_dir, checkpoint_));
  if (options_.ReportsTo("html")) {
    WriteFacts(/*is_start=*/true, {});
    reports.push_back(std::make_unique<ReportObserver>(options_.output_dir));
  }
  if (options_.ReportsTo("tensorboard"))
    reports.push_back(std::make_unique<TensorBoardObserver>(
        TensorBoardObserver::Options{.directory = options_.output_dir / RunDirectory::kEvents,
                                     .logging_steps = options_.trainer.logging_steps,
                                     .run = record_.text}));
  for (const auto& report : reports) observers.push_back(report.get());
  Trainer trainer(*task_, splits_->train, data().validation, options_.trainer, options_.output_dir,
                  observers);
  if (!checkpoint_.empty()) trainer.Resume(checkpoint_);
  RunResult result{.state = trainer.Run(hooks_.stop_requested)};
  result.is_stopped = result.state.is_stopped;
  if (result.is_stopped) return result;
  try {
    const Metrics fitted =
        data().validation != nullptr ? task_->FitDecisions(*data().validation) : Metrics(nullptr);
    if (!fitted.is_null()) task_->pretrained().SaveConfig(options_.output_dir);
    result.summary = Summary(result.state, fitted);
    if (options_.ReportsTo("html")) {
      WriteFacts(/*is_start=*/false, result);
      WriteFileAtomically(options_.output_dir / ReportObserver::kPage,
                          ReportPage({ReadRun(options_.output_dir)}));
    }
  } catch (const StopEvaluation&) {
    result.is_stopped = true;
  }
  return result;
}

// At the start with what the model writes before it is trained, unless a run that is resumed has it; at the
// end also with what it writes then, and with examples that it gets wrong, which are looked at for no more
// than a twentieth of the training's time.
void Run::WriteFacts(bool is_start, const RunResult& result) {
  const std::filesystem::path path = options_.output_dir / kFactsFile;
  nlohmann::ordered_json facts = FactsOf(options_, dtype_, data()), earlier;
  if (std::filesystem::exists(path) && (!is_start || !checkpoint_.empty()))
    earlier = io::ParseJsonFile(path).value("generations", nlohmann::ordered_json::array());
  const bool has_before = !earlier.empty();
  facts["generations"] =
      is_start && has_before ? earlier : Generations(*task_, data(), is_start ? "before" : "after", earlier);
  const std::pair<const char*, const data::Dataset*> splits[] = {{"test", data().test},
                                                                 {"validation", data().validation}};
  for (const auto& [split, dataset] : splits) {
    if (dataset == nullptr || !result.summary.contains(split) || facts.contains("wrong")) continue;
    facts["wrong"] = WrongExamples(*task_, *dataset, result.summary[split], split,
                                   std::max(1.0, result.state.seconds / 20));
  }
  WriteFileAtomically(path, facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

nlohmann::ordered_json Run::Summary(const TrainerState& state, const Metrics& fitted) {
  nlohmann::ordered_json summary = {
      {"train_loss", state.train_loss},
      {"train_steps", state.steps},
      {"train_runtime", state.seconds},
      {"train_tokens_per_second", static_cast<double>(state.tokens) / state.seconds}};
  if (state.skipped_steps > 0) summary["skipped_steps"] = state.skipped_steps;
  if (!state.best_metrics.is_null()) summary["validation"] = state.best_metrics;
  if (!fitted.is_null()) summary["decisions"] = fitted;
  if (splits_->test) summary["test"] = task_->Evaluate(*splits_->test);
  WriteFileAtomically(options_.output_dir / RunDirectory::kSummary, Text(summary) + "\n");
  if (directory_->MayWrite(RunDirectory::kCard))
    WriteFileAtomically(options_.output_dir / RunDirectory::kCard,
                        ModelCardText(options_, data(), summary, record_));
  return summary;
}

}  // namespace gemtune::train
