#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "gemtune/model/attention.h"
#include "gemtune/model/config.h"
#include "gemtune/model/embedding.h"
#include "gemtune/model/mlp.h"
#include "gemtune/model/norm.h"
#include "gemtune/model/pass_counter.h"
#include "gemtune/ops/packed_layout.h"
#include "gemtune/ops/rope.h"

namespace gemtune::model {

/// What each layer keeps of a sequence while it is continued: [num_hidden_layers].
using KvCache = std::vector<ops::KvRows>;

/// One transformer layer: attention and MLP, each between two norms and added to the residual stream.
class DecoderLayerImpl : public torch::nn::Module {
 public:
  DecoderLayerImpl(const Gemma3TextConfig& config, int64_t layer, const at::TensorOptions& options);

  /// x [T, hidden_size], the residual stream, which is fp32 even in a bf16 model → [R, hidden_size] for the R
  /// queries that `layout` selects. `kept` as in AttentionImpl::forward.
  at::Tensor forward(const at::Tensor& x, const ops::PackedLayout& layout, const ops::RopeTable& rope,
                     std::span<ops::KvRows* const> kept = {});

 private:
  RmsNorm input_layernorm_, post_attention_layernorm_, pre_feedforward_layernorm_,
      post_feedforward_layernorm_;
  Attention self_attn_;
  Mlp mlp_;
};
TORCH_MODULE(DecoderLayer);

/// NEFTune (Jain et al. 2023): while training, each number of a sequence's embeddings, L tokens of D numbers,
/// is moved by a uniform one within ± alpha / √(L·D), another in every pass. As transformers'
/// neftune_post_forward_hook, of a sequence without padding.
struct EmbeddingNoise {
  double alpha = 0;
  uint64_t seed = 0;
  PassCounter pass = nullptr;
};

/// Gemma 3's text model without a head, over packed batches. Parameters are named as in a Hugging Face
/// checkpoint without its leading "model." (layers.0.self_attn.q_proj.weight).
class Gemma3ModelImpl : public torch::nn::Module {
 public:
  /// Parameters are uninitialised (norms zero): load a checkpoint into them. `options` gives dtype and
  /// device.
  Gemma3ModelImpl(const Gemma3TextConfig& config, const at::TensorOptions& options);

  /// ids [T] int64 in [0, vocab_size) → hidden states after the last norm, [R, hidden_size] for the queries
  /// that `layout` selects. All layers but the last see every token; the last one and the final norm see the
  /// queries only.
  at::Tensor forward(const at::Tensor& ids, const ops::PackedLayout& layout);

  /// forward for sequences that are continued, without autograd: of sequence s of `layout`, the first
  /// layout.begin(s) tokens were in earlier calls with the same caches[s], which takes the new ones. An empty
  /// cache begins a sequence.
  at::Tensor Continue(const at::Tensor& ids, const ops::PackedLayout& layout,
                      std::span<KvCache* const> caches);

  /// forward is a chain of stages: 0 is the embedding, 1 to num_hidden_layers the layers, the last the final
  /// norm.
  int64_t num_stages() const { return config_.num_hidden_layers + 2; }

  /// Runs only stages [begin, end) of forward. x is ids [T] if begin is 0, else the output of stage begin −
  /// 1. Result: [T, hidden_size] fp32; [R, hidden_size] from the last layer on, and after the final norm in
  /// the model's dtype.
  at::Tensor RunStages(const at::Tensor& x, const ops::PackedLayout& layout, int64_t begin, int64_t end);

  /// The number of leading stages without a parameter that requires a gradient. Their output for an example
  /// stays the same while the rest is trained, and no gradient flows into them.
  int64_t FrozenStages() const;

  /// If on, only each layer's input is kept for the backward pass, which computes the layer again; see
  /// Checkpointed.
  void set_gradient_checkpointing(bool on) { gradient_checkpointing_ = on; }

  void SetEmbeddingNoise(EmbeddingNoise noise) { noise_ = std::move(noise); }

  /// The number format in which the layers' products with weights are computed.
  void SetMatmulDtype(ops::MatmulDtype dtype);

  const Gemma3TextConfig& config() const { return config_; }
  const TokenEmbedding& embed_tokens() const { return embed_tokens_; }

 private:
  at::Tensor Embed(const at::Tensor& ids, const ops::PackedLayout& layout);
  at::Tensor RunLayer(int64_t layer, const at::Tensor& x, const ops::PackedLayout& layout);
  const ops::RopeTable& Rope(int64_t layer, int64_t num_positions);

  Gemma3TextConfig config_;
  TokenEmbedding embed_tokens_;
  std::vector<DecoderLayer> layers_;
  RmsNorm norm_;
  bool gradient_checkpointing_ = false;
  EmbeddingNoise noise_;
  ops::RopeTable local_rope_, global_rope_;  // grown to the longest sequence seen
};
TORCH_MODULE(Gemma3Model);

}  // namespace gemtune::model
