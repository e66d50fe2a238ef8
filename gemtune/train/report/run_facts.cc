#include "gemtune/train/report/run_facts.h"

#include <torch/version.h>

#include <algorithm>
#include <vector>

#include "gemtune/base/parallel.h"
#include "gemtune/base/processors.h"
#include "gemtune/base/round_up.h"
#include "gemtune/base/stopwatch.h"

namespace gemtune::train {
namespace {

using Json = nlohmann::ordered_json;

// Bins of even width, at most some twenty.
Json LengthsOf(const char* split, const data::Dataset& dataset, int64_t max_length) {
  int64_t longest = 1;
  for (int64_t i = 0; i < dataset.size(); ++i) longest = std::max(longest, dataset.length(i));
  const int64_t width = CeilDiv(longest, int64_t{24});
  std::vector<int64_t> counts(static_cast<size_t>(CeilDiv(longest, width)));
  for (int64_t i = 0; i < dataset.size(); ++i)
    ++counts[static_cast<size_t>((std::max<int64_t>(dataset.length(i), 1) - 1) / width)];
  Json bins = Json::array();
  for (size_t b = 0; b < counts.size(); ++b) {
    const int64_t from = static_cast<int64_t>(b) * width + 1;
    bins.push_back({{"from", from}, {"to", from + width - 1}, {"count", counts[b]}});
  }
  return {{"split", split},
          {"examples", dataset.size()},
          {"tokens", dataset.tokens()},
          {"truncated", dataset.truncated()},
          {"max_length", max_length > 0 ? Json(max_length) : Json(nullptr)},
          {"bins", std::move(bins)}};
}

}  // namespace

Json FactsOf(const RunOptions& options, at::ScalarType dtype, const data::DataSplits& data) {
  Json lengths = Json::array();
  const auto add = [&](const char* split, const data::Dataset* dataset) {
    if (dataset != nullptr) lengths.push_back(LengthsOf(split, *dataset, options.data.reading.max_length));
  };
  add("training", data.train);
  add("validation", data.validation);
  add("test", data.test);
  return {{"task", TaskOf(options).name},
          {"method", options.method},
          {"model", options.model},
          {"versions", {{"gemtune", GEMTUNE_VERSION}, {"LibTorch", TORCH_VERSION}}},
          {"machine",
           {{"processor", ProcessorName()},
            {"threads", NumThreads()},
            {"device", options.device.str()},
            {"dtype", dtype == at::kBFloat16 ? "bf16" : "fp32"}}},
          {"lengths", std::move(lengths)}};
}

Json WrongExamples(Task& task, const data::Dataset& dataset, const Metrics& metrics, const std::string& split,
                   double seconds) {
  constexpr int64_t kPoints = 16;
  Json examples = Json::array();
  const auto wrong = metrics.find("most_wrong");
  if (wrong == metrics.end()) return examples;
  const Stopwatch stopwatch;
  for (const Json& one : *wrong) {
    const auto row = one["row"].get<int64_t>();
    const std::span<const int32_t> ids = dataset.ids(row);
    const bool explains = stopwatch.Seconds() < seconds;
    std::vector<double> contributions(ids.size());
    if (explains)
      contributions = task.ExplainText(infer::IntegratedGradients, ids, {.max_points = kPoints})
                          .explanation.contributions;
    Json tokens = Json::array();
    for (const infer::ExplainedPiece& piece :
         infer::Pieces(task.pretrained().tokenizer, ids, contributions)) {
      Json& token = tokens.emplace_back(Json{{"token", piece.text}});
      if (explains) token["contribution"] = piece.contribution;
    }
    examples.push_back({{"split", split},
                        {"row", row + 1},
                        {"label", one["true"]},
                        {"predicted", one["predicted"]},
                        {"probability", one["probability"]},
                        {"tokens", std::move(tokens)}});
  }
  return examples;
}

Json Generations(Task& task, const data::DataSplits& data, const char* name, Json earlier) {
  constexpr int64_t kExamples = 3, kTokens = 96;
  const data::Dataset* dataset = data.test != nullptr         ? data.test
                                 : data.validation != nullptr ? data.validation
                                                              : data.train;
  const std::vector<Task::Answer> answers = task.WriteAnswers(*dataset, kExamples, kTokens);
  if (!earlier.is_array()) earlier = Json::array();
  for (size_t i = 0; i < answers.size(); ++i) {
    if (i == earlier.size())
      earlier.push_back({{"prompt", answers[i].prompt}, {"reference", answers[i].reference}});
    earlier[i][name] = answers[i].text;
  }
  return earlier;
}

}  // namespace gemtune::train
