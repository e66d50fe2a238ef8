#include "gemtune/train/run/options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/train/calibration.h"

namespace gemtune::train {
namespace {

// Throws Error if `is_given` and the option belongs to other tasks only.
void RefuseOfOtherTasks(const TaskRow& task, const std::string& option, bool is_given) {
  const auto takes = [&](const TaskRow& row) { return std::ranges::count(row.options, option) > 0; };
  if (!is_given || takes(task)) return;
  std::vector<std::string> names;
  for (const TaskRow& row : Tasks()) {
    if (takes(row)) names.push_back(row.name);
  }
  Fail("`{}` is for `task` {}", option, fmt::join(names, " or "));
}

void CheckTaskOptions(const TaskRow& task, const RunOptions& options) {
  const TaskOptions& of_task = options.task_options;
  const bool tunes = !of_task.tune_thresholds.empty();
  for (const auto& [name, is_given] :
       {std::pair{"label_smoothing_factor", of_task.label_smoothing_factor > 0},
        std::pair{"label_names", !of_task.label_names.empty()},
        std::pair{"class_weights", !of_task.class_weights.empty()},
        std::pair{"focal_gamma", of_task.focal_gamma > 0}, std::pair{"calibrate", of_task.calibrate},
        std::pair{"tune_thresholds", tunes}})
    RefuseOfOtherTasks(task, name, is_given);
  if (of_task.focal_gamma > 0 && of_task.label_smoothing_factor > 0)
    Fail("`focal_gamma` and `label_smoothing_factor` do not go together; give one of them");
  if (tunes) ThresholdGoal::Parse(of_task.tune_thresholds);
  if ((of_task.calibrate || tunes) && options.data.validation_files.empty() &&
      options.data.validation_split == 0)
    Fail("`{}` needs validation data; give `validation_file` or `validation_split`",
         of_task.calibrate ? "calibrate" : "tune_thresholds");
}

bool GreaterIsBetter(const TaskRow& task, const std::string& metric) {
  std::vector<std::string> names;
  for (const ScalarMetric& known : task.metrics) {
    if (known.name == metric) return known.greater_is_better;
    names.push_back(known.name);
  }
  Fail("`metric_for_best_model` '{}' is not a metric of `task` {}{}; its metrics: {}", Printable(metric),
       task.name, DidYouMean(metric, names), fmt::join(names, ", "));
}

void CheckReports(const std::vector<std::string>& report_to) {
  const std::vector<std::string> known = {"jsonl", "html", "tensorboard", "all", "none"};
  for (const std::string& place : report_to) {
    if (std::ranges::count(known, place) == 0)
      Fail("`report_to` '{}' is not known{}; known: {}", Printable(place), DidYouMean(place, known),
           fmt::join(known, ", "));
    if (place == "none" && report_to.size() > 1) Fail("`report_to`: none goes with nothing else");
    if (place == "html" && std::ranges::count(report_to, "jsonl") + std::ranges::count(report_to, "all") == 0)
      Fail("`report_to`: html shows what jsonl writes; give both");
  }
}

}  // namespace

bool RunOptions::ReportsTo(const std::string& place) const {
  return std::ranges::count(report_to, place) + std::ranges::count(report_to, "all") > 0;
}

const TaskRow& TaskOf(const RunOptions& options) {
  return options.task.empty() ? Tasks().front() : FindTask(options.task);
}

RunOptions Completed(RunOptions options) {
  const TaskRow& task = TaskOf(options);
  if (!options.data.validation_files.empty() && options.data.validation_split > 0)
    Fail("`validation_file` and `validation_split` exclude each other; give one");
  CheckTaskOptions(task, options);
  if (!options.resume_from_checkpoint.empty() && options.overwrite_output_dir)
    Fail("`resume_from_checkpoint` and `overwrite_output_dir` exclude each other; give one");
  CheckReports(options.report_to);
  TrainerOptions& trainer = options.trainer;
  if (trainer.packing && trainer.max_tokens_per_batch == 0) {
    trainer.max_tokens_per_batch = trainer.batch_size * options.data.reading.max_length;
    if (trainer.max_tokens_per_batch == 0)
      Fail("`packing` without `max_length`: say how much a batch holds with `max_tokens_per_batch`");
  }
  if (options.neftune_noise_alpha > 0 && options.cache_frozen)
    Fail("`neftune_noise_alpha` and `cache_frozen` exclude each other: the noise is another in every step");
  const bool validates = options.trainer.eval_strategy != IntervalStrategy::kNo &&
                         (!options.data.validation_files.empty() || options.data.validation_split > 0);
  for (const auto& [name, is_given] :
       {std::pair{"early_stopping_patience", trainer.early_stopping_patience > 0},
        std::pair{"eval_on_start", trainer.eval_on_start}}) {
    if (is_given && !validates)
      Fail(
          "`{}` looks at evaluations, and there are none; give `validation_file` or `validation_split`, and "
          "an "
          "`eval_strategy` other than no",
          name);
  }
  if (trainer.early_stopping_threshold > 0 && trainer.early_stopping_patience == 0)
    Fail("`early_stopping_threshold` is for `early_stopping_patience`, which is not given");
  options.trainer.learning_rate = options.learning_rate.value_or(FindMethod(options.method).learning_rate);
  options.trainer.greater_is_better = GreaterIsBetter(task, options.trainer.metric_for_best_model);
  return options;
}

}  // namespace gemtune::train
