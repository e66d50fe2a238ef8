#include "gemtune/cli/evaluate.h"

#include <iostream>

#include "gemtune/base/file.h"
#include "gemtune/base/stopwatch.h"
#include "gemtune/data/vocabulary_check.h"

namespace gemtune::cli {

void Evaluate::Declare(OptionSet& options) {
  model_.Declare(options);
  options.Add(
      "--task", task_,
      "What the model was trained for; needed for a language model: sft or clm says how its data is read",
      {.choices = NamesOf(train::Tasks())});
  options.Group("Data");
  options.Add("--test-file", files_, kFilesHelp, {.required = true});
  options.Add("--max-test-samples", max_samples_, "Use only this many examples, the first ones; 0: all",
              {.min = 0});
  columns_.Declare(options, {.labels = true, .conversations = true});
  options.Add("--min-score", task_options_.min_score, kMinScoreHelp, {.min = 0, .max = 1});
  options.Group("Answers (--task sft)");
  options.Add("--predict-with-generate", task_options_.predict_with_generate,
              "Also have the model write each last answer, and measure exact_match and ROUGE-L");
  options.Add("--answer-regex", task_options_.answer_regex,
              "What counts in an answer, by a regular expression (its first group, if it has one): "
              "'#### (-?[0-9.,]+)'; implies --predict-with-generate");
  options.Add("--max-new-tokens", task_options_.max_new_tokens, "Most tokens of a written answer",
              {.min = 1, .max = 1 << 20});
  model_.DeclareMachine(options);
  options.Group("Output");
  options.Add("--output-file", output_file_,
              "Also write all results to this file; with more than 20 classes, only the worst are printed");
}

void Evaluate::Run(const OptionSet& options) {
  const std::string& name = task_.empty() ? train::Tasks().front().name : task_;
  RefuseColumnsOfOtherTasks(options, name);
  RefuseOfOthers(options, train::Tasks(), name, &train::TaskRow::options, "--task");
  task_options_.predict_with_generate |= !task_options_.answer_regex.empty();
  const std::unique_ptr<train::Task> task = model_.Open(CountingProgress("evaluating"), task_, task_options_);
  data::DatasetOptions reading = columns_.Dataset(files_);
  reading.max_samples = max_samples_;
  task->Read(reading);
  const model::Pretrained& pretrained = task->pretrained();
  const data::Dataset dataset = data::Dataset::Load(reading, pretrained.tokenizer);
  data::CheckVocabulary(dataset, pretrained.config.vocab_size, pretrained.tokenizer, files_.front());
  model_.FitThreads(*task, dataset);
  const Stopwatch stopwatch;
  train::Metrics metrics = task->Evaluate(dataset);
  const double seconds = stopwatch.Seconds();
  metrics["samples_per_second"] = static_cast<double>(dataset.size()) / seconds;
  metrics["tokens_per_second"] = static_cast<double>(dataset.tokens()) / seconds;
  std::cout << train::Text(train::Concise(metrics)) << std::endl;
  if (!output_file_.empty()) WriteFileAtomically(output_file_, train::Text(metrics) + "\n");
}

}  // namespace gemtune::cli
