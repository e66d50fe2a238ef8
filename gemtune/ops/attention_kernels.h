#pragma once

#include <torch/csrc/autograd/custom_function.h>

#include "gemtune/kernels/norm_rope.h"
#include "gemtune/ops/qkv_attention.h"

// What attention's kernels for the processor and for a card are called with alike.
namespace gemtune::ops {

/// For x [rows, heads · head_dim] and positions [rows] int64.
inline kernels::NormRopeShape NormRopeShapeOf(const at::Tensor& x, int64_t head_dim, double eps,
                                              const RopeTable& rope, const at::Tensor& positions) {
  return {.rows = x.size(0),
          .heads = x.size(1) / head_dim,
          .head_dim = head_dim,
          .eps = static_cast<float>(eps),
          .cos = rope.cos.const_data_ptr<float>(),
          .sin = rope.sin.const_data_ptr<float>(),
          .positions = positions.const_data_ptr<int64_t>()};
}

/// What forward and backward of QkvAttention need besides the graph's tensors.
struct QkvSetting : torch::CustomClassHolder {
  QkvSetting(const RopeTable& rope_table, const PackedLayout& packed_layout,
             const AttentionOptions& attention_options, double epsilon)
      : rope(rope_table), layout(packed_layout), options(attention_options), eps(epsilon) {}

  RopeTable rope;
  PackedLayout layout;
  AttentionOptions options;
  double eps;
};

}  // namespace gemtune::ops
