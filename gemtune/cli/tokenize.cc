#include "gemtune/cli/tokenize.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <iostream>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/writable_directory.h"
#include "gemtune/train/tasks/tasks.h"

namespace gemtune::cli {
namespace {

// Conversations as transformers' apply_chat_template(..., return_assistant_tokens_mask=True) returns them.
void Print(const data::Dataset& dataset, int64_t i, data::RowKind kind) {
  const std::string ids = fmt::format("[{}]", fmt::join(dataset.ids(i), ", "));
  if (kind != data::RowKind::kConversation) return fmt::print(std::cout, "{}\n", ids);
  fmt::print(std::cout, "{{\"input_ids\": {}, \"assistant_masks\": [{}]}}\n", ids,
             fmt::join(dataset.is_target(i), ", "));
}

}  // namespace

void Tokenize::Declare(OptionSet& options) {
  columns_.max_length = 0;
  task_ = train::Tasks().front().name;
  options.Group("Model");
  options.Add("--model", model_, "Directory, tokenizer file or GGUF file that holds the tokenizer",
              {.required = true});
  options.Group("Data");
  options.Add("--input-file", files_, kFilesHelp);
  options.Add(
      "--task", task_,
      "How rows are read: sft prints an object a row with input_ids and assistant_masks, which say what "
      "is learnt",
      {.choices = NamesOf(train::Tasks())});
  columns_.Declare(options, {.conversations = true});
  options.Group("Output");
  options.Add("--save-tokenizer", save_dir_,
              "Also write tokenizer.json and tokenizer_config.json into this folder");
  options.Add("--overwrite-output-dir", overwrite_output_dir_,
              "Write even if that folder holds a model or a tokenizer");
  options.Group("Machine");
  options.Add("--threads", threads_, kThreadsHelp, {.min = 0, .max = 4096});
}

void Tokenize::Run(const OptionSet& options) {
  RefuseColumnsOfOtherTasks(options, task_);
  SetNumThreads(static_cast<int>(threads_));
  if (files_.empty() && save_dir_.empty())
    Fail("gemtune tokenize: --input-file is required (or --save-tokenizer)");
  if (!save_dir_.empty()) {
    MakeWritableDirectory(save_dir_, "--save-tokenizer");
    RefuseModel(save_dir_, overwrite_output_dir_, "--save-tokenizer");
  }
  const text::Tokenizer tokenizer = text::Tokenizer::Load(model_);
  if (!save_dir_.empty()) tokenizer.Save(save_dir_);
  if (files_.empty()) return;
  data::DatasetOptions dataset_options = columns_.Dataset(files_);
  dataset_options.label_kind = data::LabelKind::kNone;
  dataset_options.row_kind = train::FindTask(task_).row_kind;
  const data::Dataset dataset = data::Dataset::Load(dataset_options, tokenizer);
  auto skipped = dataset.skipped().begin();
  for (int64_t i = 0; i <= dataset.size(); ++i) {
    for (; skipped != dataset.skipped().end() && skipped->before == i; ++skipped)
      fmt::print(std::cout, "null\n");
    if (i < dataset.size()) Print(dataset, i, dataset_options.row_kind);
  }
}

}  // namespace gemtune::cli
