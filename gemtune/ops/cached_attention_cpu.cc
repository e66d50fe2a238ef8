#include <ATen/ATen.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "gemtune/kernels/cached_attention.h"
#include "gemtune/ops/attention_cpu.h"
#include "gemtune/ops/cpu.h"

namespace gemtune::ops::cpu {
namespace {

// Copies rows; ATen's calls would take longer than the bytes do.
class RowCopy {
 public:
  explicit RowCopy(const at::Tensor& x)
      : data_(static_cast<std::byte*>(FloatsOf(x).data())),
        stride_(static_cast<size_t>(x.stride(0)) * x.element_size()),
        bytes_(static_cast<size_t>(x.size(1)) * x.element_size()) {}

  std::byte* Row(int64_t i) const { return data_ + static_cast<size_t>(i) * stride_; }
  static void Copy(const RowCopy& from, int64_t i, const RowCopy& to, int64_t j) {
    std::memcpy(to.Row(j), from.Row(i), to.bytes_);
  }

 private:
  std::byte* data_;
  size_t stride_, bytes_;
};

void Keep(const PackedLayout& layout, std::span<KvRows* const> kept, const at::Tensor& fresh,
          at::Tensor KvRows::*which) {
  const RowCopy from(fresh);
  for (size_t s = 0; s < kept.size(); ++s) {
    const int64_t capacity = kept[s]->capacity(), last = layout.cu_seqlens[s + 1];
    const RowCopy to(kept[s]->*which);
    for (int64_t t = std::max<int64_t>(layout.cu_seqlens[s], last - capacity); t < last; ++t)
      RowCopy::Copy(from, t, to, (layout.begins[s] + t - layout.cu_seqlens[s]) % capacity);
  }
}

at::Tensor Gather(const PackedLayout& layout, const GatheredKeys& gathered, std::span<KvRows* const> kept,
                  at::Tensor KvRows::*which, const at::Tensor& fresh) {
  at::Tensor all = at::empty({gathered.layout.num_tokens(), fresh.size(1)}, fresh.options());
  const RowCopy from(fresh), to(all);
  int64_t row = 0;
  for (size_t s = 0; s < kept.size(); ++s) {
    if (gathered.num_kept[s] > 0) {
      const RowCopy old(kept[s]->*which);
      for (int64_t p = layout.begins[s] - gathered.num_kept[s]; p < layout.begins[s]; ++p)
        RowCopy::Copy(old, p % kept[s]->capacity(), to, row++);
    }
    for (int64_t t = layout.cu_seqlens[s]; t < layout.cu_seqlens[s + 1]; ++t)
      RowCopy::Copy(from, t, to, row++);
  }
  return all;
}

}  // namespace

at::Tensor CachedQkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const QkNorm& norm, const RopeTable& rope, const PackedLayout& layout,
                              const AttentionOptions& options, std::span<KvRows* const> kept) {
  const int64_t head_dim = norm.q_weight.size(0), heads = q.size(1) / head_dim,
                kv_heads = k.size(1) / head_dim;
  const at::Tensor rotated_q = Rotated(q, norm.q_weight, norm.eps, rope, layout.row_positions);
  const at::Tensor rotated_k = Rotated(k, norm.k_weight, norm.eps, rope, layout.positions);
  at::Tensor out = at::empty(q.sizes(), q.options());
  if (IsOneQueryEach(layout)) {
    Keep(layout, kept, rotated_k, &KvRows::k);
    Keep(layout, kept, v, &KvRows::v);
    std::vector<kernels::KeptRows> rows;
    for (size_t s = 0; s < kept.size(); ++s) {
      rows.push_back({ConstFloatsOf(kept[s]->k), ConstFloatsOf(kept[s]->v),
                      layout.begins[s] + 1 - FirstVisible(layout.begins[s], options.window)});
    }
    kernels::CachedAttention({.heads = heads,
                              .kv_heads = kv_heads,
                              .head_dim = head_dim,
                              .scale = static_cast<float>(options.scale)},
                             rows, ConstRowsOf(rotated_q), RowsOf(out));
    return out;
  }
  const GatheredKeys gathered = GatherLayout(layout, options.window);
  const at::Tensor all_k = Gather(layout, gathered, kept, &KvRows::k, rotated_k),
                   all_v = Gather(layout, gathered, kept, &KvRows::v, v);
  Keep(layout, kept, rotated_k, &KvRows::k);
  Keep(layout, kept, v, &KvRows::v);
  const at::Tensor lse = at::empty({q.size(0), heads}, at::kFloat);
  kernels::AttentionForward(AttentionShapeOf(gathered.layout, options, heads, kv_heads, head_dim),
                            ConstRowsOf(rotated_q), ConstRowsOf(all_k), ConstRowsOf(all_v), RowsOf(out),
                            lse.data_ptr<float>());
  return out;
}

}  // namespace gemtune::ops::cpu
