#include "gemtune/cli/predict.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "gemtune/base/error.h"
#include "gemtune/base/log.h"
#include "gemtune/data/text_check.h"
#include "gemtune/data/vocabulary_check.h"
#include "gemtune/model/pretrained.h"
#include "gemtune/train/classification.h"

namespace gemtune::cli {
namespace {

using Json = nlohmann::ordered_json;

// One line of output from one row of scores and logits.
Json Line(const model::ClassifierHead& head, data::LabelKind kind, const float* scores, const float* logits) {
  const auto width = static_cast<int64_t>(head.label_names.size());
  Json line;
  if (kind == data::LabelKind::kRegression && width == 1) {
    line["value"] = scores[0];
  } else if (kind == data::LabelKind::kRegression) {
    line["values"] = std::vector<float>(scores, scores + width);
  } else {
    Json table = Json::object();
    for (int64_t c = 0; c < width; ++c) table[head.label_names[c]] = scores[c];
    if (kind == data::LabelKind::kSingle) {
      const int64_t best = std::max_element(scores, scores + width) - scores;
      line["label"] = head.label_names[best];
      line["score"] = scores[best];
    } else {
      line["labels"] = Json::array();
      for (int64_t c = 0; c < width; ++c) {
        if (scores[c] > 0.5f) line["labels"].push_back(head.label_names[c]);
      }
    }
    line["scores"] = std::move(table);
  }
  if (logits != nullptr) line["logits"] = std::vector<float>(logits, logits + width);
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
  std::vector<std::string_view> views;
  data::Examples examples;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto fault = data::FaultOf(texts[i]);
    if (!fault) {
      views.push_back(texts[i]);
      continue;
    }
    std::string message =
        fmt::format("{} {}: {}", texts_.empty() ? "standard input: line" : "text", i + 1, fault->message);
    if (columns_.OnBadRow() == data::OnBadRow::kError) throw Error(message);
    examples.skipped.push_back({std::ssize(views), fault->fault, std::move(message)});
  }
  if (!examples.skipped.empty())
    log::Warning("{}", data::SkippedSummary(source, std::ssize(texts), examples.skipped));
  for (const auto& ids : tokenizer.EncodeBatch(views, {}, {.max_length = columns_.max_length})) {
    examples.ids.insert(examples.ids.end(), ids.begin(), ids.end());
    examples.offsets.push_back(static_cast<int64_t>(examples.ids.size()));
  }
  examples.truncated.assign(views.size(), 0);
  return data::Dataset(std::move(examples));
}

void Predict::Run(const OptionSet&) {
  machine_.Apply();
  auto classifier = model::PretrainedClassifier::FromTrained(model_, machine_.ScalarType(), base_model_);
  classifier.model->trunk()->SetMatmulDtype(machine_.MatmulDtype());
  const data::Dataset dataset = LoadTexts(classifier.tokenizer);
  data::CheckVocabulary(dataset, classifier.config.vocab_size, classifier.tokenizer, "input");
  machine_.FitThreads(2 * classifier.config.num_layer_parameters() *
                      std::min(batch_tokens_, dataset.tokens()));
  const at::Tensor logits =
      infer::Logits(classifier.model, dataset,
                    {.max_tokens_per_batch = batch_tokens_, .progress = CountingProgress("predicting")});
  infer::CheckFinite(logits, dataset, *classifier.model);
  const at::Tensor scores = infer::Scores(logits, classifier.head.problem_type);
  const data::LabelKind kind = train::KindOfProblemType(classifier.head.problem_type).label_kind;
  const int64_t width = logits.size(1);
  // A skipped row keeps its line, so that line and row still belong together.
  auto skipped = dataset.skipped().begin();
  for (int64_t i = 0; i <= dataset.size(); ++i) {
    for (; skipped != dataset.skipped().end() && skipped->before == i; ++skipped)
      Print({{"error", skipped->message}});
    if (i == dataset.size()) break;
    Print(Line(classifier.head, kind, scores.const_data_ptr<float>() + i * width,
               logits_ ? logits.const_data_ptr<float>() + i * width : nullptr));
  }
}

}  // namespace gemtune::cli
