#include "gemtune/cli/predict.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/data/texts.h"
#include "gemtune/data/vocabulary_check.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

void Print(const Json& line) {
  std::cout << line.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
}

std::vector<std::string> ReadLines() {
  if (isatty(STDIN_FILENO) != 0)
    log::Info("reading texts from the terminal, one per line; Ctrl-D ends the input");
  std::vector<std::string> lines;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  if (std::ferror(stdin) != 0) Fail("standard input: cannot be read; give texts or --input-file");
  return lines;
}

}  // namespace

void Predict::Declare(OptionSet& options) {
  model_.Declare(options);
  options.Group("Data");
  options.Add("TEXT", texts_,
              "Texts; if neither texts nor --input-file are given, the lines of standard input");
  options.Add("--input-file", files_, kFilesHelp, {.one_value_each = true});
  columns_.Declare(options, {});
  options.Group("Output");
  options.Add("--logits", logits_, "Also print the model's raw outputs");
  model_.DeclareMachine(options);
}

data::Dataset Predict::LoadTexts(const text::Tokenizer& tokenizer) const {
  if (!files_.empty() && !texts_.empty()) Fail("gemtune predict: give texts or --input-file, not both");
  if (!files_.empty()) {
    data::DatasetOptions options = columns_.Dataset(files_);
    options.label_kind = data::LabelKind::kNone;
    return data::Dataset::Load(options, tokenizer);
  }
  const std::vector<std::string> texts = texts_.empty() ? ReadLines() : texts_;
  const char* const source = texts_.empty() ? "standard input" : "command line";
  std::vector<std::string_view> usable;
  std::vector<data::SkippedRow> skipped;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto fault = data::FaultOf(texts[i]);
    if (!fault) {
      usable.push_back(texts[i]);
      continue;
    }
    std::string message =
        fmt::format("{} {}: {}", texts_.empty() ? "standard input: line" : "text", i + 1, fault->message);
    if (columns_.OnBadRow() == data::OnBadRow::kError) throw Error(message);
    skipped.push_back({std::ssize(usable), fault->fault, std::move(message)});
  }
  if (!skipped.empty()) log::Warning("{}", data::SkippedSummary(source, std::ssize(texts), skipped));
  data::Examples examples = data::EncodeTexts(usable, tokenizer, columns_.max_length);
  examples.skipped = std::move(skipped);
  return data::Dataset(std::move(examples));
}

void Predict::Run(const OptionSet&) {
  const std::unique_ptr<train::Task> task = model_.Open(CountingProgress("predicting"));
  const model::Pretrained& pretrained = task->pretrained();
  const data::Dataset dataset = LoadTexts(pretrained.tokenizer);
  data::CheckVocabulary(dataset, pretrained.config.vocab_size, pretrained.tokenizer, "input");
  model_.FitThreads(*task, dataset);
  // A skipped row still gets a line, so that line n belongs to row n.
  auto skipped = dataset.skipped().begin();
  int64_t row = 0;
  const auto print_skipped = [&] {
    for (; skipped != dataset.skipped().end() && skipped->before == row; ++skipped)
      Print({{"error", skipped->message}});
  };
  task->Predict(dataset, logits_, [&](const Json& line) {
    print_skipped();
    Print(line);
    ++row;
  });
  print_skipped();
}

}  // namespace gemtune::cli
