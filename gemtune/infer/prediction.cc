#include "gemtune/infer/prediction.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::infer {
namespace {

// What the outputs of a head mean.
struct Reading {
  const char* problem_type;
  at::Tensor (*scores)(const at::Tensor& logits, double temperature);  // [N, num_labels] both
  void (*fill)(const model::ClassifierHead& head, Prediction& prediction);
};

void TakeBest(const model::ClassifierHead& head, Prediction& prediction) {
  const auto best = std::max_element(prediction.scores.begin(), prediction.scores.end());
  prediction.label = head.label_names[static_cast<size_t>(best - prediction.scores.begin())];
  prediction.score = *best;
}

void TakeLikely(const model::ClassifierHead& head, Prediction& prediction) {
  for (size_t id = 0; id < prediction.scores.size(); ++id) {
    if (prediction.scores[id] > head.Threshold(id)) prediction.labels.push_back(head.label_names[id]);
  }
}

constexpr Reading kReadings[] = {
    {"single_label_classification",
     [](const at::Tensor& logits, double t) { return at::softmax(logits / t, -1); }, TakeBest},
    {"multi_label_classification", [](const at::Tensor& logits, double t) { return at::sigmoid(logits / t); },
     TakeLikely},
    {"regression", [](const at::Tensor& logits, double) { return logits; },
     [](const model::ClassifierHead&, Prediction&) {}}};

const Reading& ReadingOf(const std::string& problem_type) {
  for (const Reading& reading : kReadings) {
    if (reading.problem_type == problem_type) return reading;
  }
  Fail("problem_type '{}' is not known; known: {}, {} and {}", Printable(problem_type),
       kReadings[0].problem_type, kReadings[1].problem_type, kReadings[2].problem_type);
}

}  // namespace

std::vector<Prediction> Predictions(const at::Tensor& logits, const model::ClassifierHead& head) {
  const Reading& reading = ReadingOf(head.problem_type);
  const auto width = static_cast<size_t>(logits.size(1));
  GEMTUNE_CHECK(width == head.label_names.size());
  const at::Tensor on_host = logits.to(ops::Host(), at::kFloat).contiguous(),
                   scores = reading.scores(on_host, head.temperature).contiguous();
  const auto row_of = [&](const at::Tensor& table, int64_t row) {
    const auto values = ops::HostValues<const float>(table).subspan(static_cast<size_t>(row) * width, width);
    return std::vector<float>(values.begin(), values.end());
  };
  std::vector<Prediction> predictions;
  for (int64_t row = 0; row < logits.size(0); ++row) {
    Prediction prediction{.scores = row_of(scores, row), .logits = row_of(on_host, row)};
    reading.fill(head, prediction);
    predictions.push_back(std::move(prediction));
  }
  return predictions;
}

}  // namespace gemtune::infer
