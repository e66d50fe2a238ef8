#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <span>

#include "gemtune/model/linear.h"
#include "gemtune/model/norm.h"
#include "gemtune/ops/cached_attention.h"
#include "gemtune/ops/packed_layout.h"
#include "gemtune/ops/rope.h"

namespace gemtune::model {

struct AttentionShape {
  int64_t hidden_size = 0;
  int64_t num_attention_heads = 0;
  int64_t num_key_value_heads = 0;
  int64_t head_dim = 0;
  int64_t sliding_window = 0;  // 0: a global layer
  double scale = 1.0;          // query_pre_attn_scalar^-0.5
  double rms_norm_eps = 1e-6;
};

/// Grouped-query attention with q and k normalised per head (Gemma 3 report, section 2).
class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(const AttentionShape& shape, const at::TensorOptions& options);

  /// x [T, hidden_size], the residual stream; `norm` is applied to it before the projections → [R,
  /// hidden_size] for the R queries that `layout` selects. `kept`, unless it is empty, holds what this layer
  /// keeps of each sequence, which `layout` continues, and takes what is new (ops::CachedQkvAttention).
  at::Tensor forward(const at::Tensor& x, const RmsNorm& norm, const ops::PackedLayout& layout,
                     const ops::RopeTable& rope, std::span<ops::KvRows* const> kept = {});

 private:
  AttentionShape shape_;
  Linear q_proj_{nullptr}, k_proj_{nullptr}, v_proj_{nullptr}, o_proj_{nullptr};
  RmsNorm q_norm_{nullptr}, k_norm_{nullptr};
};
TORCH_MODULE(Attention);

}  // namespace gemtune::model
