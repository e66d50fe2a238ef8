#include <algorithm>

#include "gemtune/ops/attention_cuda.h"
#include "gemtune/ops/cuda.h"

namespace gemtune::ops::cuda {
namespace {

using kernels::cuda::KeptSequence;
using kernels::cuda::Kernels;
using kernels::cuda::RowMove;

std::byte* RowOf(const at::Tensor& x, int64_t i) {
  return static_cast<std::byte*>(x.mutable_data_ptr()) +
         i * x.stride(0) * static_cast<int64_t>(x.element_size());
}

// New rows [cu_seqlens[s], cu_seqlens[s + 1]) of each sequence into what is kept of it, as many as there is
// room for.
void AppendKept(const PackedLayout& layout, std::span<KvRows* const> kept, const at::Tensor& fresh,
                at::Tensor KvRows::*which, std::vector<RowMove>& moves) {
  for (size_t s = 0; s < kept.size(); ++s) {
    const int64_t capacity = kept[s]->capacity(), last = layout.cu_seqlens[s + 1];
    for (int64_t t = std::max<int64_t>(layout.cu_seqlens[s], last - capacity); t < last; ++t) {
      const int64_t position = layout.begins[s] + t - layout.cu_seqlens[s];
      moves.push_back({RowOf(fresh, t), RowOf(kept[s]->*which, position % capacity)});
    }
  }
}

// What was kept and what is new, sequence by sequence, into the rows of `all`.
void AppendGathered(const PackedLayout& layout, const GatheredKeys& gathered, std::span<KvRows* const> kept,
                    const at::Tensor& fresh, at::Tensor KvRows::*which, const at::Tensor& all,
                    std::vector<RowMove>& moves) {
  int64_t row = 0;
  for (size_t s = 0; s < kept.size(); ++s) {
    for (int64_t p = layout.begins[s] - gathered.num_kept[s]; p < layout.begins[s]; ++p)
      moves.push_back({RowOf(kept[s]->*which, p % kept[s]->capacity()), RowOf(all, row++)});
    for (int64_t t = layout.cu_seqlens[s]; t < layout.cu_seqlens[s + 1]; ++t)
      moves.push_back({RowOf(fresh, t), RowOf(all, row++)});
  }
}

void Move(const std::vector<RowMove>& moves, const at::Tensor& like) {
  const at::Tensor uploaded = UploadStructs(moves, like.device());
  Call(&Kernels::CopyRows, std::ssize(moves), like.size(1) * static_cast<int64_t>(like.element_size()),
       StructsOf<RowMove>(uploaded));
}

}  // namespace

at::Tensor CachedQkvAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const QkNorm& norm, const RopeTable& rope, const PackedLayout& layout,
                              const AttentionOptions& options, std::span<KvRows* const> kept) {
  const int64_t head_dim = norm.q_weight.size(0);
  const at::Tensor rotated_q = Rotated(q, norm.q_weight, norm.eps, rope, layout.row_positions);
  const at::Tensor rotated_k = Rotated(k, norm.k_weight, norm.eps, rope, layout.positions);
  std::vector<RowMove> keeping;
  AppendKept(layout, kept, rotated_k, &KvRows::k, keeping);
  AppendKept(layout, kept, v, &KvRows::v, keeping);
  if (IsOneQueryEach(layout)) {
    Move(keeping, k);
    std::vector<KeptSequence> sequences;
    for (size_t s = 0; s < kept.size(); ++s) {
      sequences.push_back({.k = kept[s]->k.const_data_ptr(),
                           .v = kept[s]->v.const_data_ptr(),
                           .count = layout.begins[s] + 1 - FirstVisible(layout.begins[s], options.window)});
    }
    const at::Tensor uploaded = UploadStructs(sequences, q.device());
    at::Tensor out = at::empty(q.sizes(), q.options());
    Call(&Kernels::CachedAttention, q.size(0), q.size(1) / head_dim, k.size(1) / head_dim, head_dim,
         static_cast<float>(options.scale), StructsOf<KeptSequence>(uploaded), ConstFloatsOf(rotated_q),
         FloatsOf(out));
    return out;
  }
  const GatheredKeys gathered = GatherLayout(layout, options.window);
  const int64_t keys = gathered.layout.num_tokens();
  const at::Tensor all_k = at::empty({keys, k.size(1)}, k.options()), all_v = at::empty_like(all_k);
  std::vector<RowMove> gathering;
  AppendGathered(layout, gathered, kept, rotated_k, &KvRows::k, all_k, gathering);
  AppendGathered(layout, gathered, kept, v, &KvRows::v, all_v, gathering);
  Move(gathering, k);
  Move(keeping, k);
  GEMTUNE_CHECK(layout.queries_are_last);
  if (layout.num_rows() == 0) return q.new_empty({0, q.size(1)});
  const FlashOutput output = LoadedCudaPlugin()->flash_forward({.q = Heads(rotated_q, head_dim),
                                                                .k = Heads(all_k, head_dim),
                                                                .v = Heads(all_v, head_dim),
                                                                .cu_rows = layout.cu_rows_there,
                                                                .cu_keys = gathered.layout.cu_tokens_there,
                                                                .most_rows = layout.most_rows(),
                                                                .most_keys = gathered.layout.most_tokens(),
                                                                .scale = options.scale,
                                                                .window = options.window});
  return output.out.flatten(1);
}

}  // namespace gemtune::ops::cuda
