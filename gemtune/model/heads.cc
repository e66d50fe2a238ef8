#include "gemtune/model/heads.h"

#include <ATen/ATen.h>

#include "gemtune/model/names.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::model {

std::vector<int64_t> PooledRows(std::span<const int64_t> ids, const std::vector<int32_t>& cu_seqlens,
                                int64_t pad_token_id) {
  std::vector<int64_t> rows;
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    int64_t row = cu_seqlens[s + 1] - 1;
    while (row > cu_seqlens[s] && ids[static_cast<size_t>(row)] == pad_token_id) --row;
    rows.push_back(row);
  }
  return rows;
}

SequenceClassifierImpl::SequenceClassifierImpl(const Gemma3TextConfig& config, int64_t num_labels,
                                               const at::TensorOptions& options)
    : model_(register_module("model", Gemma3Model(config, options))),
      score_(register_module("score", Linear(config.hidden_size, num_labels, options))) {
  const at::NoGradGuard no_grad;
  score_->weight.zero_();
}

ops::PackedLayout SequenceClassifierImpl::Layout(const at::Tensor& ids,
                                                 const std::vector<int32_t>& cu_seqlens) const {
  return ops::PackedLayout::Full(cu_seqlens, score_->weight.device())
      .WithRows(PooledRows(ops::HostValues<const int64_t>(ids), cu_seqlens, model_->config().pad_token_id));
}

at::Tensor SequenceClassifierImpl::forward(const at::Tensor& ids, const std::vector<int32_t>& cu_seqlens) {
  return score_(model_(ids, Layout(ids, cu_seqlens)));
}

at::Tensor SequenceClassifierImpl::StatesBefore(int64_t stage, const at::Tensor& ids,
                                                const std::vector<int32_t>& cu_seqlens) {
  return model_->RunStages(ids, Layout(ids, cu_seqlens), 0, stage);
}

at::Tensor SequenceClassifierImpl::FromStates(int64_t stage, const at::Tensor& states, const at::Tensor& ids,
                                              const std::vector<int32_t>& cu_seqlens) {
  return score_(model_->RunStages(ops::Upload(states, score_->weight.device()), Layout(ids, cu_seqlens),
                                  stage, model_->num_stages()));
}

std::vector<std::string> SequenceClassifierImpl::sparse_gradients() const {
  return {std::string(kEmbeddingWeight)};  // see ops::ScaledEmbedding
}

}  // namespace gemtune::model
