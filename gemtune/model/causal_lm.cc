#include "gemtune/model/causal_lm.h"

#include "gemtune/base/error.h"

namespace gemtune::model {

CausalLmImpl::CausalLmImpl(const Gemma3TextConfig& config, const at::TensorOptions& options)
    : model_(register_module("model", Gemma3Model(config, options))) {}

at::Tensor CausalLmImpl::forward(const at::Tensor& ids, const ops::PackedLayout& layout) {
  return model_(ids, layout);
}

at::Tensor CausalLmImpl::Continue(const at::Tensor& ids, const ops::PackedLayout& layout,
                                  std::span<KvCache* const> caches) {
  return model_->Continue(ids, layout, caches);
}

at::Tensor CausalLmImpl::Logits(const at::Tensor& hidden) const {
  return ops::Project(hidden, model_->embed_tokens()->projection());
}

NextTokens FindNextTokens(std::span<const int64_t> ids, const std::vector<int32_t>& cu_seqlens,
                          std::span<const uint8_t> is_target) {
  GEMTUNE_CHECK(ids.size() == is_target.size());
  NextTokens next;
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    for (int64_t row = cu_seqlens[s]; row + 1 < cu_seqlens[s + 1]; ++row) {
      const auto target = static_cast<size_t>(row + 1);
      if (is_target[target] == 0) continue;
      next.rows.push_back(row);
      next.ids.push_back(ids[target]);
    }
  }
  return next;
}

}  // namespace gemtune::model
