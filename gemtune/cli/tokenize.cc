#include "gemtune/cli/tokenize.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <iostream>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/writable_directory.h"

namespace gemtune::cli {

void Tokenize::Declare(OptionSet& options) {
  columns_.max_length = 0;
  options.Group("Model");
  options.Add("--model", model_, "Directory, tokenizer file or GGUF file that holds the tokenizer",
              {.required = true});
  options.Group("Data");
  options.Add("--input-file", files_, kFilesHelp);
  columns_.Declare(options, /*with_labels=*/false);
  options.Group("Output");
  options.Add("--save-tokenizer", save_dir_,
              "Also write tokenizer.json and tokenizer_config.json into this folder");
  options.Add("--overwrite-output-dir", overwrite_output_dir_,
              "Write even if that folder holds a model or a tokenizer");
  options.Group("Machine");
  options.Add("--threads", threads_, kThreadsHelp, {.min = 0, .max = 4096});
}

void Tokenize::Run(const OptionSet&) {
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
  const data::Dataset dataset = data::Dataset::Load(dataset_options, tokenizer);
  auto skipped = dataset.skipped().begin();
  for (int64_t i = 0; i <= dataset.size(); ++i) {
    for (; skipped != dataset.skipped().end() && skipped->before == i; ++skipped)
      fmt::print(std::cout, "null\n");
    if (i < dataset.size()) fmt::print(std::cout, "[{}]\n", fmt::join(dataset.ids(i), ", "));
  }
}

}  // namespace gemtune::cli
