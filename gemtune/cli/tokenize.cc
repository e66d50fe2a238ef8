#include "gemtune/cli/tokenize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"

namespace gemtune::cli {

void Tokenize::Declare(CLI::App& app) {
  columns_.max_length = 0;
  app.add_option("--model", model_, "Directory, tokenizer file or GGUF file that holds the tokenizer")
      ->required()
      ->group("Model");
  app.add_option("--input-file", files_,
                 "Files or globs: .parquet .csv .tsv .jsonl, the text ones also compressed")
      ->group("Data");
  columns_.Declare(app, /*with_labels=*/false);
  app.add_option("--save-tokenizer", save_dir_, "Also write tokenizer.json and tokenizer_config.json there")
      ->group("Output");
  app.add_option("--threads", threads_, "Threads; 0: one a processor")
      ->check(CLI::Range(0, 4096))
      ->group("Machine");
}

void Tokenize::Run() {
  SetNumThreads(threads_);
  if (files_.empty() && save_dir_.empty())
    Fail("gemtune tokenize: --input-file is required (or --save-tokenizer)");
  const text::Tokenizer tokenizer = text::Tokenizer::Load(model_);
  if (!save_dir_.empty()) {
    std::filesystem::create_directories(save_dir_);
    tokenizer.Save(save_dir_);
  }
  if (files_.empty()) return;
  data::DatasetOptions options = columns_.Dataset(files_);
  options.label_kind = data::LabelKind::kNone;
  const data::Dataset dataset = data::Dataset::Load(options, tokenizer);
  for (int64_t i = 0; i < dataset.size(); ++i) fmt::print("[{}]\n", fmt::join(dataset.ids(i), ", "));
}

}  // namespace gemtune::cli
