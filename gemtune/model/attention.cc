#include "gemtune/model/attention.h"

#include <ATen/ATen.h>

#include "gemtune/ops/norm_linear.h"
#include "gemtune/ops/qkv_attention.h"

namespace gemtune::model {

AttentionImpl::AttentionImpl(const AttentionShape& shape, const at::TensorOptions& options) : shape_(shape) {
  const int64_t q_size = shape.num_attention_heads * shape.head_dim,
                kv_size = shape.num_key_value_heads * shape.head_dim;
  const auto weights = AdjacentWeights(shape.hidden_size, {q_size, kv_size, kv_size}, options);
  q_proj_ = register_module("q_proj", Linear(weights[0]));
  k_proj_ = register_module("k_proj", Linear(weights[1]));
  v_proj_ = register_module("v_proj", Linear(weights[2]));
  o_proj_ = register_module("o_proj", Linear(q_size, shape.hidden_size, options));
  q_norm_ = register_module("q_norm", RmsNorm(shape.head_dim, shape.rms_norm_eps, options));
  k_norm_ = register_module("k_norm", RmsNorm(shape.head_dim, shape.rms_norm_eps, options));
}

at::Tensor AttentionImpl::forward(const at::Tensor& x, const RmsNorm& norm, const ops::PackedLayout& layout,
                                  const ops::RopeTable& rope, std::span<ops::KvRows* const> kept) {
  const auto project = [&](const at::Tensor& rows, const std::vector<ops::Projection>& projections) {
    return ops::NormLinear(rows, norm->weight, norm->eps, projections);
  };
  std::vector<at::Tensor> qkv;
  if (layout.rows.defined()) {
    qkv = project(x.index_select(0, layout.rows), {q_proj_->projection()});
    const auto kv = project(x, {k_proj_->projection(), v_proj_->projection()});
    qkv.insert(qkv.end(), kv.begin(), kv.end());
  } else {
    qkv = project(x, {q_proj_->projection(), k_proj_->projection(), v_proj_->projection()});
  }
  const ops::QkNorm qk_norm = {.q_weight = q_norm_->weight, .k_weight = k_norm_->weight, .eps = q_norm_->eps};
  const ops::AttentionOptions options = {.scale = shape_.scale, .window = shape_.sliding_window};
  if (kept.empty()) return o_proj_(ops::QkvAttention(qkv[0], qkv[1], qkv[2], qk_norm, rope, layout, options));
  return o_proj_(ops::CachedQkvAttention(qkv[0], qkv[1], qkv[2], qk_norm, rope, layout, options, kept));
}

}  // namespace gemtune::model
