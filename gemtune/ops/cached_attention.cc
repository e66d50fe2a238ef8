#include "gemtune/ops/cached_attention.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "gemtune/base/error.h"
#include "gemtune/ops/cpu.h"
#include "gemtune/ops/cuda.h"
#include "gemtune/ops/kernel_access.h"

namespace gemtune::ops {
namespace {

constexpr int64_t kLeastCapacity = 64;

// Row indices of positions [begin, end).
at::Tensor RowsOfPositions(const KvRows& rows, int64_t begin, int64_t end) {
  return at::arange(begin, end, at::TensorOptions(at::kLong).device(rows.k.device()))
      .remainder_(rows.capacity());
}

// The gathered keys, or values, of all sequences: [keys, kv_heads · head_dim].
at::Tensor Gather(const PackedLayout& layout, const GatheredKeys& gathered, std::span<KvRows* const> kept,
                  at::Tensor KvRows::*which, const at::Tensor& fresh) {
  std::vector<at::Tensor> parts;
  for (size_t s = 0; s < kept.size(); ++s) {
    const int64_t begin = layout.begins[s], num_kept = gathered.num_kept[s];
    if (num_kept > 0)
      parts.push_back((kept[s]->*which).index_select(0, RowsOfPositions(*kept[s], begin - num_kept, begin)));
    parts.push_back(fresh.slice(0, layout.cu_seqlens[s], layout.cu_seqlens[s + 1]));
  }
  return at::cat(parts);
}

void Keep(const PackedLayout& layout, std::span<KvRows* const> kept, const at::Tensor& k,
          const at::Tensor& v) {
  for (size_t s = 0; s < kept.size(); ++s) {
    KvRows& rows = *kept[s];
    const int64_t last = layout.cu_seqlens[s + 1],
                  count = std::min<int64_t>(last - layout.cu_seqlens[s], rows.capacity()),
                  end = layout.begins[s] + last - layout.cu_seqlens[s];
    const at::Tensor index = RowsOfPositions(rows, end - count, end);
    rows.k.index_copy_(0, index, k.slice(0, last - count, last));
    rows.v.index_copy_(0, index, v.slice(0, last - count, last));
  }
}

}  // namespace

void Reserve(KvRows& rows, int64_t num_positions, int64_t window, const at::Tensor& like) {
  const int64_t needed = window > 0 ? std::min(num_positions, window) : num_positions;
  if (rows.capacity() >= needed) return;
  int64_t capacity = std::max({kLeastCapacity, needed, 2 * rows.capacity()});
  if (window > 0) capacity = std::min(capacity, window);
  for (at::Tensor* x : {&rows.k, &rows.v}) {
    const at::Tensor grown = at::empty({capacity, like.size(1)}, like.options());
    if (x->defined())
      grown.narrow(0, 0, x->size(0)).copy_(*x);  // a ring does not turn before it is full-grown
    *x = grown;
  }
}

bool IsOneQueryEach(const PackedLayout& layout) {
  for (size_t s = 0; s + 1 < layout.cu_seqlens.size(); ++s) {
    if (layout.cu_seqlens[s + 1] != static_cast<int32_t>(s) + 1 ||
        layout.cu_rows[s + 1] != static_cast<int32_t>(s) + 1)
      return false;
  }
  return true;
}

GatheredKeys GatherLayout(const PackedLayout& layout, int64_t window) {
  GatheredKeys gathered;
  std::vector<int32_t> cu_keys = {0};
  at::Tensor row_positions = layout.row_positions.clone();
  for (int64_t s = 0; s < layout.num_sequences(); ++s) {
    const auto i = static_cast<size_t>(s);
    const int64_t begin = layout.begin(s), first = FirstVisible(begin, window);
    gathered.num_kept.push_back(begin - first);
    cu_keys.push_back(cu_keys.back() + static_cast<int32_t>(begin - first) + layout.cu_seqlens[i + 1] -
                      layout.cu_seqlens[i]);
    row_positions.slice(0, layout.cu_rows[i], layout.cu_rows[i + 1]).sub_(first);
  }
  gathered.layout = PackedLayout::Full(std::move(cu_keys), layout.positions.device());
  gathered.layout.cu_rows = layout.cu_rows;
  gathered.layout.row_positions = row_positions;
  return gathered;
}

at::Tensor CachedQkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const QkNorm& norm, const RopeTable& rope, const PackedLayout& layout,
                              const AttentionOptions& options, std::span<KvRows* const> kept) {
  GEMTUNE_CHECK(std::ssize(kept) == layout.num_sequences() && kept.size() == layout.begins.size());
  const at::NoGradGuard no_grad;
  for (int64_t s = 0; s < layout.num_sequences(); ++s) {
    const auto i = static_cast<size_t>(s);
    Reserve(*kept[i], layout.begin(s) + layout.cu_seqlens[i + 1] - layout.cu_seqlens[i], options.window, k);
  }
  if (cpu::Handles(q)) return cpu::CachedQkvAttention(q, k, v, norm, rope, layout, options, kept);
  if (cuda::CanAttend(q, norm.q_weight.size(0)))
    return cuda::CachedQkvAttention(q, k, v, norm, rope, layout, options, kept);
  const auto heads = [&](const at::Tensor& x) { return x.unflatten(1, {-1, norm.q_weight.size(0)}); };
  const at::Tensor rotated_q = NormRope(heads(q), norm.q_weight, norm.eps, rope, layout.row_positions);
  const at::Tensor rotated_k = NormRope(heads(k), norm.k_weight, norm.eps, rope, layout.positions).flatten(1);
  const GatheredKeys gathered = GatherLayout(layout, options.window);
  const at::Tensor all_k = Gather(layout, gathered, kept, &KvRows::k, rotated_k),
                   all_v = Gather(layout, gathered, kept, &KvRows::v, v);
  Keep(layout, kept, rotated_k, v);
  if (layout.num_rows() == 0) return q.new_empty({0, q.size(1)});
  return Attention(rotated_q, heads(all_k), heads(all_v), gathered.layout, options).flatten(1);
}

}  // namespace gemtune::ops
