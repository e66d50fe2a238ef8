#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <optional>

#include "gemtune/model/attention.h"
#include "gemtune/model/config.h"
#include "gemtune/model/mlp.h"
#include "gemtune/model/norm.h"
#include "gemtune/ops/block_rows.h"
#include "gemtune/ops/packed_layout.h"
#include "gemtune/ops/rope.h"

namespace gemtune::model {

/// One transformer layer: attention and MLP, each between two norms and added to the residual stream.
class DecoderLayerImpl : public torch::nn::Module {
 public:
  DecoderLayerImpl(const Gemma3TextConfig& config, int64_t layer, const at::TensorOptions& options);

  /// x [T, hidden_size], the residual stream, fp32 also in a bf16 model → [R, hidden_size], R being the
  /// queries that `layout` selects.
  at::Tensor forward(const at::Tensor& x, const ops::PackedLayout& layout, const ops::RopeTable& rope);

 private:
  RmsNorm input_layernorm_, post_attention_layernorm_, pre_feedforward_layernorm_,
      post_feedforward_layernorm_;
  Attention self_attn_;
  Mlp mlp_;
};
TORCH_MODULE(DecoderLayer);

/// The token embedding; scaled by √hidden_size on the way in.
class TokenEmbeddingImpl : public torch::nn::Module {
 public:
  TokenEmbeddingImpl(int64_t vocab_size, int64_t hidden_size, const at::TensorOptions& options);

  /// ids [T] int64 → [T, hidden_size].
  at::Tensor forward(const at::Tensor& ids) const;

  /// The weight becomes `blocks` of the same shape, and frozen: `weight` is their bytes from here on, of
  /// which forward makes numbers of the dtype that it had.
  void KeepBlocks(const ops::BlockRows& blocks);

  at::Tensor weight;  // [vocab_size, hidden_size]; kept blocks: uint8 [vocab_size, bytes of a row]

 private:
  const at::ScalarType dtype_;
  std::optional<kernels::BlockType> block_type_;
};
TORCH_MODULE(TokenEmbedding);

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

  /// Hidden states as transformers' output_hidden_states gives them: after the embedding, after every layer
  /// but the last, and after the last layer and norm; num_hidden_layers + 1 tensors.
  std::vector<at::Tensor> HiddenStates(const at::Tensor& ids, const ops::PackedLayout& layout);

  /// forward is a chain of stages: 0 is the embedding, 1 to num_hidden_layers the layers, the last the final
  /// norm.
  int64_t num_stages() const { return config_.num_hidden_layers + 2; }

  /// Stages [begin, end) of forward alone. x: ids [T] where begin is 0, else what stage begin − 1 gave → [T,
  /// hidden_size] fp32; from the last layer on [R, hidden_size], and after the final norm in the model's
  /// dtype.
  at::Tensor RunStages(const at::Tensor& x, const ops::PackedLayout& layout, int64_t begin, int64_t end);

  /// The number of stages at the front without a parameter that requires a gradient: what they give for an
  /// example stays the same while the rest is trained, and no gradient goes into them.
  int64_t FrozenStages() const;

  /// Keep each layer's input alone for the backward pass and compute the layer again there; see Checkpointed.
  void set_gradient_checkpointing(bool on) { gradient_checkpointing_ = on; }

  /// What the layers' products with weights compute with.
  void SetMatmulDtype(ops::MatmulDtype dtype);

  const Gemma3TextConfig& config() const { return config_; }

 private:
  at::Tensor RunLayer(int64_t layer, const at::Tensor& x, const ops::PackedLayout& layout);
  const ops::RopeTable& Rope(int64_t layer, int64_t num_positions);

  Gemma3TextConfig config_;
  TokenEmbedding embed_tokens_;
  std::vector<DecoderLayer> layers_;
  RmsNorm norm_;
  bool gradient_checkpointing_ = false;
  ops::RopeTable local_rope_, global_rope_;  // grown to the longest sequence seen
};
TORCH_MODULE(Gemma3Model);

}  // namespace gemtune::model
