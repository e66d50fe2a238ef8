#include "gemtune/cli/predict.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/data/texts.h"
#include "gemtune/data/vocabulary_check.h"
#include "gemtune/infer/prediction.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/train/classification.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

// One line of output.
Json Line(const model::ClassifierHead& head, data::LabelKind kind, const infer::Prediction& prediction,
          bool with_logits) {
  Json line;
  if (kind == data::LabelKind::kRegression && prediction.scores.size() == 1) {
    line["value"] = prediction.scores[0];
  } else if (kind == data::LabelKind::kRegression) {
    line["values"] = prediction.scores;
  } else {
    if (kind == data::LabelKind::kSingle) {
      line["label"] = prediction.label;
      line["score"] = prediction.score;
    } else {
      line["labels"] = prediction.labels;
    }
    line["scores"] = Json::object();
    for (size_t c = 0; c < head.label_names.size(); ++c)
      line["scores"][head.label_names[c]] = prediction.scores[c];
  }
  if (with_logits) line["logits"] = prediction.logits;
  return line;
}

void Print(const Json& line) {
  std::cout << line.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
}

std::vector<std::string> ReadLines() {
  if (isatty(STDIN_FILENO) != 0) log::Info("reading texts from the terminal, one a line; Ctrl-D ends");
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
  options.Group("Model");
  options.Add("--model", model_, "Directory of a fine-tuned classifier or of an adapter", {.required = true});
  AddBaseModel(options, base_model_);
  options.Group("Data");
  options.Add("TEXT", texts_,
              "Texts to classify; without any and without --input-file: the lines of standard input");
  options.Add("--input-file", files_, kFilesHelp, {.one_value_each = true});
  columns_.Declare(options, /*with_labels=*/false);
  options.Group("Output");
  options.Add("--logits", logits_, "Also print the model's raw outputs");
  machine_.Declare(options);
  options.Add("--batch-tokens", batch_tokens_, "Tokens a forward pass", {.min = 1, .max = 1 << 24});
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
  machine_.Apply();
  auto classifier =
      model::PretrainedClassifier::FromTrained(model_, {.dtype = machine_.ScalarType()}, base_model_);
  classifier.model->trunk()->SetMatmulDtype(machine_.MatmulDtype());
  const data::Dataset dataset = LoadTexts(classifier.tokenizer);
  data::CheckVocabulary(dataset, classifier.config.vocab_size, classifier.tokenizer, "input");
  machine_.FitThreads(2 * classifier.config.num_layer_parameters() *
                      std::min(batch_tokens_, dataset.tokens()));
  const at::Tensor logits =
      infer::Logits(classifier.model, dataset,
                    {.max_tokens_per_batch = batch_tokens_, .progress = CountingProgress("predicting")});
  infer::CheckFinite(logits, dataset, *classifier.model);
  const data::LabelKind kind = train::KindOfProblemType(classifier.head.problem_type).label_kind;
  const std::vector<infer::Prediction> predictions = infer::Predictions(logits, classifier.head);
  // A skipped row keeps its line, so that line and row still belong together.
  auto skipped = dataset.skipped().begin();
  for (int64_t i = 0; i <= dataset.size(); ++i) {
    for (; skipped != dataset.skipped().end() && skipped->before == i; ++skipped)
      Print({{"error", skipped->message}});
    if (i == dataset.size()) break;
    Print(Line(classifier.head, kind, predictions[static_cast<size_t>(i)], logits_));
  }
}

}  // namespace gemtune::cli
