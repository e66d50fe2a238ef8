#include "gemtune/infer/predict.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "gemtune/base/error.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::infer {
namespace {

// The name of a parameter that holds a number that is not finite; "" if there is none.
std::string FindNotFinite(const torch::nn::Module& model) {
  for (const auto& item : model.named_parameters()) {
    const bool is_finite = !item.value().is_floating_point() || at::isfinite(item.value()).all().item<bool>();
    if (!is_finite) return item.key();
  }
  return "";
}

// Of a number that is not finite. The sign of a NaN says nothing.
const char* NameOf(float number) {
  if (std::isnan(number)) return "nan";
  return number > 0 ? "inf" : "-inf";
}

}  // namespace

at::Tensor IdsOf(const data::PackedBatch& batch) {
  return ops::HostView(std::span(batch.ids), {batch.num_tokens()});
}

void ForEachBatch(const data::Dataset& dataset, const PredictOptions& options,
                  const std::function<void(const data::PackedBatch&)>& visit) {
  const at::NoGradGuard no_grad;
  int64_t examples = 0;
  for (const auto& indices :
       data::BatchesByLength(dataset, options.max_tokens_per_batch, options.max_sequences_per_batch)) {
    const data::PackedBatch batch = data::Pack(dataset, indices);
    visit(batch);
    examples += batch.num_sequences();
    if (options.progress) options.progress(examples, dataset.size());
  }
}

at::Tensor Logits(const std::function<at::Tensor(const data::PackedBatch&)>& forward, int64_t num_labels,
                  const data::Dataset& dataset, const PredictOptions& options) {
  at::Tensor logits = at::empty({dataset.size(), num_labels}, at::kFloat);
  // Fetched once, so that a card need not wait after each batch.
  std::vector<at::Tensor> outputs;
  std::vector<int64_t> examples;
  ForEachBatch(dataset, options, [&](const data::PackedBatch& batch) {
    outputs.push_back(forward(batch).to(at::kFloat));
    examples.insert(examples.end(), batch.examples.begin(), batch.examples.end());
  });
  if (examples.empty()) return logits;
  return logits.index_copy_(0, at::tensor(examples, at::kLong), at::cat(outputs).to(ops::Host()));
}

at::Tensor Logits(model::SequenceClassifier& model, const data::Dataset& dataset,
                  const PredictOptions& options) {
  model->eval();
  const auto forward = [&](const data::PackedBatch& batch) { return model(IdsOf(batch), batch.cu_seqlens); };
  return Logits(forward, model->score()->weight.size(0), dataset, options);
}

void CheckFinite(const at::Tensor& logits, const data::Dataset& dataset, const torch::nn::Module& model) {
  const at::Tensor bad = at::isfinite(logits).all(1).logical_not().nonzero();
  if (bad.size(0) == 0) return;
  const auto example = bad[0].item<int64_t>();
  const auto& skipped = dataset.skipped();
  const auto before = std::count_if(skipped.begin(), skipped.end(),
                                    [&](const data::SkippedRow& row) { return row.before <= example; });
  const std::string parameter = FindNotFinite(model);
  Fail("row {}: the model's output is {} ({} of {} rows are affected): {}", example + before + 1,
       NameOf(logits[example].index({at::isfinite(logits[example]).logical_not()})[0].item<float>()),
       bad.size(0), logits.size(0),
       parameter.empty()
           ? "its weights are finite, so sums overflow; check the weights' size, or try `dtype` fp32"
           : fmt::format("'{}' holds numbers that are not finite; the checkpoint is damaged or its "
                         "training went wrong",
                         parameter));
}

}  // namespace gemtune::infer
