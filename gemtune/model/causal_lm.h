#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <span>
#include <vector>

#include "gemtune/model/gemma3.h"
#include "gemtune/ops/matmul.h"

namespace gemtune::model {

/// Gemma 3 as a language model, whose token embedding is also its head; parameters and results as in
/// transformers' Gemma3ForCausalLM with tie_word_embeddings. Weights are named as there (model.*); there is
/// no lm_head.weight.
class CausalLmImpl : public torch::nn::Module {
 public:
  CausalLmImpl(const Gemma3TextConfig& config, const at::TensorOptions& options);

  /// ids [T] int64 → hidden states after the final norm, [R, hidden_size] in the model's dtype, for the
  /// queries that `layout` selects. A loss takes these and `head` (ops::LinearCrossEntropySum), because
  /// logits over the whole vocabulary would be the largest tensor by far.
  at::Tensor forward(const at::Tensor& ids, const ops::PackedLayout& layout);

  /// forward for sequences that are continued, see Gemma3ModelImpl::Continue.
  at::Tensor Continue(const at::Tensor& ids, const ops::PackedLayout& layout,
                      std::span<KvCache* const> caches);

  /// hidden [R, hidden_size] → logits [R, vocab_size] in the model's dtype.
  at::Tensor Logits(const at::Tensor& hidden) const;

  /// The weight of the head, [vocab_size, hidden_size]: the embedding itself, so that its gradient is the sum
  /// of what reaches it from both ends.
  ops::MatmulWeight head() const { return model_->embed_tokens()->projection().matmul_weight(); }

  Gemma3Model& trunk() { return model_; }
  const Gemma3Model& trunk() const { return model_; }

 private:
  Gemma3Model model_;
};
TORCH_MODULE(CausalLm);

/// The tokens that a loss is about, and where each is predicted.
struct NextTokens {
  std::vector<int64_t> rows;  // [R] ascending, token indices: the token before each target
  std::vector<int64_t> ids;   // [R] the targets
};

/// The targets among ids [T], whose sequences lie at cu_seqlens [B + 1]: the tokens with is_target [T] ≠ 0,
/// except the first of each sequence, which nothing predicts. (transformers shifts labels by one in the
/// same way.)
NextTokens FindNextTokens(std::span<const int64_t> ids, const std::vector<int32_t>& cu_seqlens,
                          std::span<const uint8_t> is_target);

}  // namespace gemtune::model
