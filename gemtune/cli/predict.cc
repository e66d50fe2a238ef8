#include "gemtune/cli/predict.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "gemtune/base/error.h"
#include "gemtune/base/file.h"
#include "gemtune/base/log.h"
#include "gemtune/cli/explanation.h"
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

struct NamedExplanation {
  std::string name;
  train::Task::Explain* explain;
};

const std::vector<NamedExplanation>& Explanations() {
  static const std::vector<NamedExplanation> all = {{"integrated-gradients", infer::IntegratedGradients},
                                                    {"occlusion", infer::Occlusion}};
  return all;
}

// Explains rows of a data set, and remembers what it says for a page.
class Explainer {
 public:
  Explainer(train::Task& task, const std::string& method)
      : task_(task), explain_(std::ranges::find(Explanations(), method, &NamedExplanation::name)->explain) {}

  // `line` is the prediction's.
  const ShownExplanation& Explain(std::span<const int32_t> ids, const Json& line) {
    const infer::ExplainOptions options;
    const auto [explanation, label] = task_.ExplainText(explain_, ids, options);
    const double change = std::fabs(explanation.logit - explanation.baseline_logit);
    if (explain_ == infer::IntegratedGradients &&
        explanation.Error() > options.tolerance * std::max(change, 0.01))
      log::Warning("the contributions of text {} add up to the change of the logit only within {:.1f} %",
                   shown_.size() + 1, 100 * explanation.Error() / std::max(change, 0.01));
    std::string score;
    if (line.contains("scores") && line["scores"].contains(label))
      score = fmt::format("{:.3f}", line["scores"][label].get<double>());
    shown_.push_back({.label = label,
                      .score = score,
                      .logit = explanation.logit,
                      .baseline_logit = explanation.baseline_logit,
                      .pieces = infer::Pieces(task_.pretrained().tokenizer, ids, explanation.contributions)});
    return shown_.back();
  }

  const std::vector<ShownExplanation>& shown() const { return shown_; }

 private:
  train::Task& task_;
  train::Task::Explain* const explain_;
  std::vector<ShownExplanation> shown_;
};

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
  options.Add("--top-k", task_options_.top_k, "Show only this many of the scores, the highest; 0: all",
              {.min = 0});
  options.Add("--min-score", task_options_.min_score, kMinScoreHelp, {.min = 0, .max = 1});
  options.Add(
      "--explain", explain_,
      "Also say what each token contributes to the logit of the most likely label: on a terminal in colours");
  options.Add("--explain-html", explain_html_, "The same as a web page in this file", {.is_path = true});
  options.Add("--explain-method", explain_method_,
              "Integrated gradients, whose contributions add up; or occlusion, a slow check on them",
              {.choices = NamesOf(Explanations())});
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
  // A hundredth of a logit is less than bf16 can tell.
  if (explains() && model_.machine.dtype == "auto") model_.machine.dtype = "fp32";
  const std::unique_ptr<train::Task> task =
      model_.Open(CountingProgress("predicting"), /*task=*/{}, task_options_);
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
  std::optional<Explainer> explainer;
  if (explains()) explainer.emplace(*task, explain_method_);
  const bool in_colors = explains() && log::ShowsColors(STDOUT_FILENO);
  task->Predict(dataset, logits_, [&](const Json& line) {
    print_skipped();
    Json shown_line = line;
    if (explainer) shown_line["explanation"] = ToJson(explainer->Explain(dataset.ids(row), line));
    if (in_colors) {
      std::cout << Colored(explainer->shown().back()) << std::flush;
    } else {
      Print(shown_line);
    }
    ++row;
  });
  print_skipped();
  if (!explain_html_.empty()) WriteFileAtomically(explain_html_, ExplanationPage(explainer->shown()));
}

}  // namespace gemtune::cli
