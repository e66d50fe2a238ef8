#include "gemtune/infer/predict.h"

#include <ATen/ATen.h>

#include "gemtune/data/batcher.h"

namespace gemtune::infer {

at::Tensor Logits(model::SequenceClassifier& model, const data::Dataset& dataset,
                  const PredictOptions& options) {
  const at::NoGradGuard no_grad;
  model->eval();
  at::Tensor logits = at::empty({dataset.size(), model->score()->weight.size(0)}, at::kFloat);
  int64_t examples = 0;
  for (const auto& indices :
       data::BatchesByLength(dataset, options.max_tokens_per_batch, options.max_sequences_per_batch)) {
    data::PackedBatch batch = data::Pack(dataset, indices);
    const at::Tensor ids = at::from_blob(batch.ids.data(), {batch.num_tokens()}, at::kLong);
    logits.index_copy_(0, at::tensor(indices, at::kLong),
                       model(ids, batch.cu_seqlens).to(at::kCPU, at::kFloat));
    examples += batch.num_sequences();
    if (options.progress) options.progress(examples, dataset.size());
  }
  return logits;
}

at::Tensor Scores(const at::Tensor& logits, const std::string& problem_type) {
  if (problem_type == "single_label_classification") return at::softmax(logits, -1);
  if (problem_type == "multi_label_classification") return at::sigmoid(logits);
  return logits;
}

}  // namespace gemtune::infer
