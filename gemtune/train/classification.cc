#include "gemtune/train/classification.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "gemtune/base/error.h"
#include "gemtune/ops/cross_entropy.h"

namespace gemtune::train {
namespace {

const ClassificationKind& FindKind(std::string ClassificationKind::*column, const std::string& value,
                                   const char* what) {
  std::vector<std::string> known;
  for (const ClassificationKind& kind : ClassificationKinds()) {
    if (kind.*column == value) return kind;
    known.push_back(kind.*column);
  }
  Fail("{} '{}' is not known; known: {}", what, Printable(value), fmt::join(known, ", "));
}

// Labels of examples as one matrix [N, label_width] fp32.
at::Tensor LabelMatrix(const data::Dataset& dataset) {
  at::Tensor labels = at::empty({dataset.size(), dataset.label_width()}, at::kFloat);
  float* out = labels.data_ptr<float>();
  for (int64_t i = 0; i < dataset.size(); ++i) {
    for (const float value : dataset.label(i)) *out++ = value;
  }
  return labels;
}

template <typename T>
std::span<const T> Values(const at::Tensor& contiguous) {
  return {contiguous.const_data_ptr<T>(), static_cast<size_t>(contiguous.numel())};
}

}  // namespace

const std::vector<ClassificationKind>& ClassificationKinds() {
  static const std::vector<ClassificationKind> kinds = {
      {"classification",
       "single_label_classification",
       data::LabelKind::kSingle,
       {{"loss", false}, {"accuracy", true}, {"macro_f1", true}}},
      {"multi-label",
       "multi_label_classification",
       data::LabelKind::kMultiLabel,
       {{"loss", false}, {"accuracy", true}, {"micro_f1", true}, {"macro_f1", true}}},
      {"regression",
       "regression",
       data::LabelKind::kRegression,
       {{"loss", false}, {"mse", false}, {"mae", false}, {"pearson", true}}},
  };
  return kinds;
}

const ClassificationKind& KindOfTask(const std::string& task) {
  return FindKind(&ClassificationKind::task, task, "task");
}

const ClassificationKind& KindOfProblemType(const std::string& problem_type) {
  return FindKind(&ClassificationKind::problem_type, problem_type, "problem_type");
}

Classification::Classification(model::PretrainedClassifier& classifier, const ClassificationOptions& options)
    : classifier_(classifier),
      options_(options),
      label_kind_(KindOfProblemType(classifier.head.problem_type).label_kind) {}

int64_t Classification::KeepFrozenStates(const data::Dataset& train, const data::Dataset* validation,
                                         const infer::FrozenStatesOptions& options) {
  kept_.emplace_back(classifier_.model, train, options);
  if (validation != nullptr) {
    infer::FrozenStatesOptions rest = options;
    rest.max_memory_bytes -= kept_.front().bytes();
    kept_.emplace_back(classifier_.model, *validation, rest);
  }
  return std::accumulate(kept_.begin(), kept_.end(), int64_t{0},
                         [](int64_t sum, const infer::FrozenStates& states) { return sum + states.bytes(); });
}

int64_t Classification::CountTargets(const data::PackedBatch& batch) const {
  return static_cast<int64_t>(batch.labels.size());
}

at::Tensor Classification::LossOfLogits(const at::Tensor& logits, const at::Tensor& labels) const {
  switch (label_kind_) {
    case data::LabelKind::kSingle:
      return ops::CrossEntropySum(logits, labels.squeeze(-1).to(at::kLong), options_.label_smoothing);
    case data::LabelKind::kMultiLabel:
      return at::binary_cross_entropy_with_logits(logits.to(at::kFloat), labels, {}, {}, at::Reduction::Sum);
    case data::LabelKind::kRegression:
      return at::mse_loss(logits.to(at::kFloat), labels, at::Reduction::Sum);
    case data::LabelKind::kNone:
      break;
  }
  GEMTUNE_CHECK(false && "examples without labels have no loss");
  return {};
}

at::Tensor Classification::LossSum(const data::PackedBatch& batch) {
  if (classifier_.adapter_pass != nullptr) ++*classifier_.adapter_pass;
  // A view of the batch's vector; forward and backward are over before the caller lets go of it.
  const int64_t label_width = static_cast<int64_t>(batch.labels.size()) / batch.num_sequences();
  const at::Tensor labels = at::from_blob(const_cast<float*>(batch.labels.data()),
                                          {batch.num_sequences(), label_width}, at::kFloat);
  const at::Tensor logits =
      kept_.empty() ? classifier_.model(infer::IdsOf(batch), batch.cu_seqlens) : kept_.front().Logits(batch);
  return LossOfLogits(logits, labels.to(logits.device()));
}

at::Tensor Classification::LogitsOf(const data::Dataset& dataset) {
  const auto kept = std::find_if(kept_.begin(), kept_.end(), [&](const infer::FrozenStates& states) {
    return &states.dataset() == &dataset;
  });
  if (kept == kept_.end()) return infer::Logits(classifier_.model, dataset, options_.evaluation);
  return infer::Logits([&](const data::PackedBatch& batch) { return kept->Logits(batch); },
                       static_cast<int64_t>(classifier_.head.label_names.size()), dataset,
                       options_.evaluation);
}

Metrics Classification::Evaluate(const data::Dataset& dataset) {
  const at::Tensor logits = LogitsOf(dataset);
  if (options_.must_be_finite) infer::CheckFinite(logits, dataset, *classifier_.model);
  const at::Tensor labels = LabelMatrix(dataset);
  Metrics metrics = {
      {"loss", LossOfLogits(logits, labels).item<double>() / static_cast<double>(labels.numel())}};
  const std::vector<std::string>& names = classifier_.head.label_names;
  switch (label_kind_) {
    case data::LabelKind::kSingle: {
      const at::Tensor target = labels.squeeze(-1).to(at::kLong), prediction = logits.argmax(-1);
      metrics.update(SingleLabelMetrics(Values<int64_t>(target), Values<int64_t>(prediction), names));
      break;
    }
    case data::LabelKind::kMultiLabel: {
      const at::Tensor target = labels.to(at::kByte),
                       prediction = (logits > 0).to(at::kByte);  // sigmoid > 1/2
      metrics.update(MultiLabelMetrics(Values<uint8_t>(target), Values<uint8_t>(prediction), names));
      break;
    }
    case data::LabelKind::kRegression:
      metrics.update(RegressionMetrics(Values<float>(labels), Values<float>(logits), names.size()));
      break;
    case data::LabelKind::kNone:
      break;
  }
  return metrics;
}

void Classification::Save(const std::filesystem::path& directory) {
  classifier_.Save(directory);
}

void Classification::Restore(const std::filesystem::path& directory) {
  classifier_.Restore(directory);
}

int64_t Classification::passes() const {
  return classifier_.adapter_pass == nullptr ? 0 : static_cast<int64_t>(*classifier_.adapter_pass);
}

void Classification::set_passes(int64_t passes) {
  if (classifier_.adapter_pass != nullptr) *classifier_.adapter_pass = static_cast<uint64_t>(passes);
}

}  // namespace gemtune::train
