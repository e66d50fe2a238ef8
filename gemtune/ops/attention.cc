#include "gemtune/ops/attention.h"

#include <ATen/ATen.h>

#include "gemtune/base/error.h"

namespace gemtune::ops {
namespace {

// [rows, keys], true if the query may see the key.
at::Tensor VisibleKeys(const at::Tensor& row_positions, int64_t num_keys, int64_t window) {
  const at::Tensor query = row_positions.unsqueeze(1);
  const at::Tensor key = at::arange(num_keys, query.options()).unsqueeze(0);
  const at::Tensor causal = key <= query;
  return window > 0 ? causal.logical_and(key > query - window) : causal;
}

}  // namespace

at::Tensor Attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const PackedLayout& layout, const AttentionOptions& options) {
  GEMTUNE_CHECK(q.dim() == 3 && k.dim() == 3 && k.sizes() == v.sizes() && q.size(2) == k.size(2));
  GEMTUNE_CHECK(q.size(0) == layout.num_rows() && k.size(0) == layout.num_tokens());
  const int64_t groups = q.size(1) / k.size(1);
  GEMTUNE_CHECK(groups * k.size(1) == q.size(1));
  std::vector<at::Tensor> outputs;
  for (int64_t s = 0; s < layout.num_sequences(); ++s) {
    const int64_t row = layout.cu_rows[s], num_rows = layout.cu_rows[s + 1] - row;
    const int64_t key = layout.cu_seqlens[s], num_keys = layout.cu_seqlens[s + 1] - key;
    if (num_rows == 0) continue;
    const auto heads_first = [](const at::Tensor& x) {
      return x.transpose(0, 1).unsqueeze(0);
    };  // [1, heads, n, d]
    const at::Tensor queries = heads_first(q.narrow(0, row, num_rows));
    const at::Tensor keys = heads_first(k.narrow(0, key, num_keys)).repeat_interleave(groups, 1);
    const at::Tensor values = heads_first(v.narrow(0, key, num_keys)).repeat_interleave(groups, 1);
    const bool plain_causal = num_rows == num_keys && (options.window == 0 || num_keys <= options.window);
    const auto mask =
        plain_causal ? std::optional<at::Tensor>()
                     : VisibleKeys(layout.row_positions.narrow(0, row, num_rows), num_keys, options.window);
    const at::Tensor output = at::scaled_dot_product_attention(queries, keys, values, mask, /*dropout_p=*/0.0,
                                                               /*is_causal=*/plain_causal, options.scale);
    outputs.push_back(output.squeeze(0).transpose(0, 1));
  }
  if (outputs.empty()) return q;  // no query, no result
  return outputs.size() == 1 ? outputs[0] : at::cat(outputs, 0);
}

}  // namespace gemtune::ops
