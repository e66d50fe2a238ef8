#include "gemtune/model/attention.h"

#include <ATen/ATen.h>

#include "gemtune/ops/attention.h"

namespace gemtune::model {

AttentionImpl::AttentionImpl(const AttentionShape& shape, const at::TensorOptions& options)
    : shape_(shape),
      q_proj_(register_module(
          "q_proj", Linear(shape.hidden_size, shape.num_attention_heads * shape.head_dim, options))),
      k_proj_(register_module(
          "k_proj", Linear(shape.hidden_size, shape.num_key_value_heads * shape.head_dim, options))),
      v_proj_(register_module(
          "v_proj", Linear(shape.hidden_size, shape.num_key_value_heads * shape.head_dim, options))),
      o_proj_(register_module(
          "o_proj", Linear(shape.num_attention_heads * shape.head_dim, shape.hidden_size, options))),
      q_norm_(register_module("q_norm", RmsNorm(shape.head_dim, shape.rms_norm_eps, options))),
      k_norm_(register_module("k_norm", RmsNorm(shape.head_dim, shape.rms_norm_eps, options))) {}

at::Tensor AttentionImpl::forward(const at::Tensor& x, const ops::PackedLayout& layout,
                                  const ops::RopeTable& rope) {
  const at::Tensor query_x = layout.rows.defined() ? x.index_select(0, layout.rows) : x;
  const auto heads = [&](const at::Tensor& projected) {
    return projected.view({projected.size(0), -1, shape_.head_dim});
  };
  const at::Tensor q =
      ops::NormRope(heads(q_proj_(query_x)), q_norm_->weight, q_norm_->eps, rope, layout.row_positions);
  const at::Tensor k =
      ops::NormRope(heads(k_proj_(x)), k_norm_->weight, k_norm_->eps, rope, layout.positions);
  const at::Tensor v = heads(v_proj_(x));
  const at::Tensor mixed =
      ops::Attention(q, k, v, layout, {.scale = shape_.scale, .window = shape_.sliding_window});
  return o_proj_(mixed.reshape({mixed.size(0), -1}));
}

}  // namespace gemtune::model
