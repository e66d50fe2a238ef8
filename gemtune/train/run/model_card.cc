#include "gemtune/train/run/model_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "gemtune/base/processors.h"
#include "gemtune/io/hub/cache.h"
#include "gemtune/train/observers.h"
#include "gemtune/train/run/directory.h"
#include "gemtune/train/tasks/tasks.h"

namespace gemtune::train {
namespace {

namespace fs = std::filesystem;

// A JSON text is a YAML one, too, whatever is in it.
std::string Quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// For a cell of a table or a line of text: as it is, whatever Markdown would make of it.
std::string Code(const std::string& text) {
  std::string plain = text;
  std::ranges::replace_if(
      plain, [](char c) { return c == '`' || c == '|' || c == '\n'; }, '\'');
  return "`" + plain + "`";
}

std::string NameOf(const fs::path& output_dir) {
  const fs::path whole = fs::absolute(output_dir).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

// "imdb" of data/imdb.parquet.
std::string DatasetName(const std::vector<std::string>& files) {
  return files.empty() ? "data" : fs::path(files.front()).stem().string();
}

const std::vector<std::string>& FilesOf(const DataOptions& data, const std::string& split) {
  return split == "test"                 ? data.test_files
         : data.validation_files.empty() ? data.train_files
                                         : data.validation_files;
}

std::string ResultsYaml(const RunOptions& options, const TaskRow& task, const Metrics& summary) {
  std::string results;
  for (const char* split : {"test", "validation"}) {
    if (!summary.contains(split)) continue;
    const std::string dataset = Quoted(DatasetName(FilesOf(options.data, split)));
    std::string metrics;
    for (const auto& [name, value] : summary[split].items()) {
      if (value.is_number_float())
        metrics += fmt::format("    - type: {0}\n      value: {1}\n      name: {0}\n", name, value.dump());
    }
    if (metrics.empty()) continue;
    results += fmt::format(
        "  - task:\n      type: {}\n    dataset:\n      name: {}\n      type: {}\n      split: {}\n    "
        "metrics:\n{}",
        task.pipeline_tag, dataset, dataset, split, metrics);
  }
  return results.empty() ? ""
                         : fmt::format("model-index:\n- name: {}\n  results:\n{}",
                                       Quoted(NameOf(options.output_dir)), results);
}

std::string Metadata(const RunOptions& options, const TaskRow& task, const Metrics& summary) {
  const bool is_adapter = FindMethod(options.method).has_adapter;
  std::string yaml = fmt::format("library_name: {}\npipeline_tag: {}\n", is_adapter ? "peft" : "transformers",
                                 task.pipeline_tag);
  // A path means nothing to others.
  if (const auto name = io::hub::NameOnHub(options.model))
    yaml += fmt::format("base_model: {}\nbase_model_relation: {}\n", Quoted(name->id),
                        is_adapter ? "adapter" : "finetune");
  yaml += fmt::format("license: gemma\ntags:\n- gemma3\n- gemtune\n- {}\n", Quoted(task.name));
  return yaml + ResultsYaml(options, task, summary);
}

std::string Results(const Metrics& summary) {
  std::string table;
  for (const char* split : {"test", "validation"}) {
    if (!summary.contains(split)) continue;
    for (const auto& [name, value] : summary[split].items()) {
      if (value.is_number_float())
        table += fmt::format("| {} | {} | {:.4f} |\n", split, name, value.get<double>());
    }
  }
  return table.empty() ? "Trained without validation.\n"
                       : "| data | metric | value |\n|---|---|---|\n" + table;
}

std::string Data(const DataOptions& options, const data::DataSplits& data) {
  std::string table =
      "| data | files | examples | tokens | cut at the maximum length |\n|---|---|---|---|---|\n";
  const auto add = [&](const char* name, const std::vector<std::string>& files,
                       const data::Dataset* dataset) {
    if (dataset == nullptr) return;
    std::string names;
    for (const std::string& file : files)
      names += (names.empty() ? "" : ", ") + Code(fs::path(file).filename().string());
    table += fmt::format("| {} | {} | {} | {} | {} |\n", name,
                         names.empty() ? "part of the training files" : names, dataset->size(),
                         dataset->tokens(), dataset->truncated());
  };
  add("training", options.train_files, data.train);
  add("validation", options.validation_files, data.validation);
  add("test", options.test_files, data.test);
  if (data.train->labels().names.empty()) return table;
  std::string labels;
  constexpr size_t kShown = 50;
  const std::vector<std::string>& names = data.train->labels().names;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) labels += (i > 0 ? ", " : "") + Code(names[i]);
  if (names.size() > kShown) labels += fmt::format(" and {} more", names.size() - kShown);
  return table + "\nLabels: " + labels + ".\n";
}

std::string Training(const RunOptions& options, const Metrics& summary) {
  const std::string processor = ProcessorName();
  return fmt::format(
      "| | |\n|---|---|\n| base model | {} |\n| method | {} |\n| optimiser | AdamW, {} schedule, peak "
      "learning rate "
      "{:g} |\n| batch | {} examples, {} forward passes a step |\n| steps | {} ({:g} epochs asked for) |\n| "
      "longest "
      "example | {} tokens |\n| seed | {} |\n| training loss | {:.4f} |\n| duration | {} at {:.0f} "
      "tokens/s{} |\n",
      Code(options.model), options.method, options.trainer.lr_scheduler_type, options.trainer.learning_rate,
      options.trainer.batch_size, options.trainer.gradient_accumulation_steps,
      summary["train_steps"].get<int64_t>(), options.trainer.num_train_epochs,
      options.data.reading.max_length, options.trainer.seed, summary["train_loss"].get<double>(),
      Duration(summary["train_runtime"].get<double>()), summary["train_tokens_per_second"].get<double>(),
      processor.empty() ? "" : ", " + processor);
}

}  // namespace

std::string ModelCardText(const RunOptions& options, const data::DataSplits& data, const Metrics& summary,
                          const RunRecord& record) {
  const TaskRow& task = TaskOf(options);
  std::string text = fmt::format(
      "---\n{}---\n\n# {}\n\nGemma 3, trained with gemtune for {}.\n\n## Results\n\n{}\n## Data\n\n{}\n## "
      "Training\n\n{}\n",
      Metadata(options, task, summary), NameOf(options.output_dir), task.name, Results(summary),
      Data(options.data, data), Training(options, summary));
  for (const auto& [title, command] : record.commands)
    text += fmt::format("## {}\n\n```sh\n{}\n```\n\n", title, command);
  if (!record.text.empty())
    text += fmt::format("<details><summary>{0}</summary>\n\n```toml\n{1}```\n\n</details>\n",
                        RunDirectory::kRecord, record.text);
  return text;
}

}  // namespace gemtune::train
