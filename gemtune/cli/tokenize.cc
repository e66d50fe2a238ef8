#include "gemtune/cli/tokenize.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "gemtune/base/parallel.h"

namespace gemtune::cli {

void Tokenize::Declare(CLI::App& app) {
  columns_.max_length = 0;
  app.add_option("--model", model_, "Directory, tokenizer file or GGUF file that holds the tokenizer")
      ->required()
      ->group("Model");
  app.add_option("--input-file", files_,
                 "Files or globs: .parquet .csv .tsv .jsonl, the text ones also compressed")
      ->required()
      ->group("Data");
  columns_.Declare(app, /*with_labels=*/false);
  app.add_option("--threads", threads_, "Threads; 0: one a processor")
      ->check(CLI::Range(0, 4096))
      ->group("Machine");
}

void Tokenize::Run() {
  SetNumThreads(threads_);
  data::DatasetOptions options = columns_.Dataset(files_);
  options.label_kind = data::LabelKind::kNone;
  const data::Dataset dataset = data::Dataset::Load(options, text::Tokenizer::Load(model_));
  for (int64_t i = 0; i < dataset.size(); ++i) fmt::print("[{}]\n", fmt::join(dataset.ids(i), ", "));
}

}  // namespace gemtune::cli
