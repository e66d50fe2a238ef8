#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gemtune/model/gemma3.h"
#include "gemtune/model/linear.h"

namespace gemtune::model {

/// Gemma 3 with a linear head on one token of each sequence; parameters and results as in transformers'
/// Gemma3TextForSequenceClassification (model.*, score.weight).
class SequenceClassifierImpl : public torch::nn::Module {
 public:
  /// The head starts at zero, so every class is equally likely and the first steps train the head before the
  /// trunk changes. A random head would disturb the pre-trained trunk.
  SequenceClassifierImpl(const Gemma3TextConfig& config, int64_t num_labels,
                         const at::TensorOptions& options);

  /// ids [T] int64 on the host, sequences at cu_seqlens [B + 1] → logits [B, num_labels] on the model's
  /// device.
  at::Tensor forward(const at::Tensor& ids, const std::vector<int32_t>& cu_seqlens);

  /// forward in two parts, split before one of the trunk's stages (see Gemma3Model::RunStages): ids → states,
  /// [T, hidden_size] or, after the last layer, [B, hidden_size] ...
  at::Tensor StatesBefore(int64_t stage, const at::Tensor& ids, const std::vector<int32_t>& cu_seqlens);

  /// ... and states → logits [B, num_labels]. ids are needed only to find the token by which each sequence is
  /// judged.
  at::Tensor FromStates(int64_t stage, const at::Tensor& states, const at::Tensor& ids,
                        const std::vector<int32_t>& cu_seqlens);

  /// The names of the parameters whose gradient is sparse: only the rows of the tokens in a batch.
  std::vector<std::string> sparse_gradients() const;

  Gemma3Model& trunk() { return model_; }
  const Gemma3Model& trunk() const { return model_; }
  Linear& score() { return score_; }
  const Linear& score() const { return score_; }

 private:
  ops::PackedLayout Layout(const at::Tensor& ids, const std::vector<int32_t>& cu_seqlens) const;

  Gemma3Model model_;
  Linear score_;
};
TORCH_MODULE(SequenceClassifier);

/// The token by which each sequence is judged, as in transformers: the rightmost that is not `pad_token_id`,
/// or the first if all are. ids [T] → token indices [B], ascending.
std::vector<int64_t> PooledRows(std::span<const int64_t> ids, const std::vector<int32_t>& cu_seqlens,
                                int64_t pad_token_id);

}  // namespace gemtune::model
