#include "gemtune/model/gemma3.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "gemtune/base/error.h"
#include "gemtune/model/checkpointed.h"
#include "gemtune/ops/dropout.h"
#include "gemtune/ops/uniform_noise.h"

namespace gemtune::model {
namespace {

AttentionShape ShapeOf(const Gemma3TextConfig& config, int64_t layer) {
  return {.hidden_size = config.hidden_size,
          .num_attention_heads = config.num_attention_heads,
          .num_key_value_heads = config.num_key_value_heads,
          .head_dim = config.head_dim,
          .sliding_window = config.layer_is_global[static_cast<size_t>(layer)] ? 0 : config.sliding_window,
          .scale = 1.0 / std::sqrt(config.query_pre_attn_scalar),
          .rms_norm_eps = config.rms_norm_eps};
}

}  // namespace

DecoderLayerImpl::DecoderLayerImpl(const Gemma3TextConfig& config, int64_t layer,
                                   const at::TensorOptions& options)
    : input_layernorm_(
          register_module("input_layernorm", RmsNorm(config.hidden_size, config.rms_norm_eps, options))),
      post_attention_layernorm_(register_module("post_attention_layernorm",
                                                RmsNorm(config.hidden_size, config.rms_norm_eps, options))),
      pre_feedforward_layernorm_(register_module("pre_feedforward_layernorm",
                                                 RmsNorm(config.hidden_size, config.rms_norm_eps, options))),
      post_feedforward_layernorm_(register_module("post_feedforward_layernorm",
                                                  RmsNorm(config.hidden_size, config.rms_norm_eps, options))),
      self_attn_(register_module("self_attn", Attention(ShapeOf(config, layer), options))),
      mlp_(register_module("mlp", Mlp(config.hidden_size, config.intermediate_size, options))) {}

at::Tensor DecoderLayerImpl::forward(const at::Tensor& x, const ops::PackedLayout& layout,
                                     const ops::RopeTable& rope, std::span<ops::KvRows* const> kept) {
  const at::Tensor residual = layout.rows.defined() ? x.index_select(0, layout.rows) : x;
  const at::Tensor attended =
      post_attention_layernorm_->AddTo(residual, self_attn_(x, input_layernorm_, layout, rope, kept));
  return post_feedforward_layernorm_->AddTo(attended, mlp_(attended, pre_feedforward_layernorm_));
}

Gemma3ModelImpl::Gemma3ModelImpl(const Gemma3TextConfig& config, const at::TensorOptions& options)
    : config_(config),
      embed_tokens_(
          register_module("embed_tokens", TokenEmbedding(config.vocab_size, config.hidden_size, options))),
      norm_(nullptr) {
  const auto list = register_module("layers", std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers_.emplace_back(config, i, options);
    list->register_module(std::to_string(i), layers_.back());
  }
  norm_ = register_module("norm", RmsNorm(config.hidden_size, config.rms_norm_eps, options));
}

const ops::RopeTable& Gemma3ModelImpl::Rope(int64_t layer, int64_t num_positions) {
  const bool is_global = config_.layer_is_global[static_cast<size_t>(layer)];
  const RopeParameters& parameters = is_global ? config_.global_rope : config_.local_rope;
  ops::RopeTable& table = is_global ? global_rope_ : local_rope_;
  if (!table.cos.defined() || table.cos.size(0) < num_positions) {
    const int64_t before = table.cos.defined() ? table.cos.size(0) : 0;
    num_positions = std::max(num_positions, 2 * before);  // a sequence may be continued token by token
    table = ops::MakeRopeTable(num_positions, config_.head_dim, parameters.theta, parameters.linear_factor);
    table.cos = ops::Upload(table.cos, embed_tokens_->weight.device());
    table.sin = ops::Upload(table.sin, embed_tokens_->weight.device());
  }
  return table;
}

at::Tensor Gemma3ModelImpl::Embed(const at::Tensor& ids, const ops::PackedLayout& layout) {
  const at::Tensor x = embed_tokens_(ids);
  if (!is_training() || noise_.alpha == 0) return x;
  at::Tensor noise = ops::UniformNoise(x.sizes(), ops::DropoutKey(noise_.seed, *noise_.pass), x.device());
  for (size_t s = 0; s + 1 < layout.cu_seqlens.size(); ++s) {
    const int64_t begin = layout.cu_seqlens[s], length = layout.cu_seqlens[s + 1] - begin;
    noise.narrow(0, begin, length)
        .mul_(noise_.alpha / std::sqrt(static_cast<double>(length * config_.hidden_size)));
  }
  return x + noise.to(x.scalar_type());
}

at::Tensor Gemma3ModelImpl::RunLayer(int64_t layer, const at::Tensor& x, const ops::PackedLayout& layout) {
  const auto run = [module = layers_[static_cast<size_t>(layer)].ptr(), layout,
                    rope = Rope(layer, layout.num_positions())](const at::Tensor& input) {
    return module->forward(input, layout, rope);
  };
  if (!gradient_checkpointing_) return run(x);
  return Checkpointed(run, layers_[static_cast<size_t>(layer)]->parameters(), x);
}

at::Tensor Gemma3ModelImpl::RunStages(const at::Tensor& x, const ops::PackedLayout& layout, int64_t begin,
                                      int64_t end) {
  GEMTUNE_CHECK(0 <= begin && begin <= end && end <= num_stages());
  const ops::PackedLayout all_tokens = layout.WithAllRows();
  const int64_t num_layers = config_.num_hidden_layers;
  at::Tensor state = x;
  for (int64_t stage = begin; stage < end; ++stage) {
    if (stage == 0) {
      GEMTUNE_CHECK(state.dim() == 1 && state.size(0) == layout.num_tokens());
      state = Embed(state, layout);
    } else if (stage <= num_layers) {
      state = RunLayer(stage - 1, state, stage == num_layers ? layout : all_tokens);
    } else {
      state = norm_(state);
    }
  }
  return state;
}

at::Tensor Gemma3ModelImpl::Continue(const at::Tensor& ids, const ops::PackedLayout& layout,
                                     std::span<KvCache* const> caches) {
  const at::NoGradGuard no_grad;
  const ops::PackedLayout all_tokens = layout.WithAllRows();
  at::Tensor state = embed_tokens_(ids);
  for (KvCache* cache : caches) cache->resize(layers_.size());
  std::vector<ops::KvRows*> kept(caches.size());
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    for (size_t s = 0; s < caches.size(); ++s) kept[s] = &(*caches[s])[layer];
    state = layers_[layer]->forward(state, layer + 1 == layers_.size() ? layout : all_tokens,
                                    Rope(static_cast<int64_t>(layer), layout.num_positions()), kept);
  }
  return norm_(state);
}

int64_t Gemma3ModelImpl::FrozenStages() const {
  const auto is_frozen = [](const torch::nn::Module& module) {
    const auto parameters = module.parameters();
    return std::none_of(parameters.begin(), parameters.end(),
                        [](const at::Tensor& parameter) { return parameter.requires_grad(); });
  };
  if (!is_frozen(*embed_tokens_)) return 0;
  int64_t stages = 1;
  for (const DecoderLayer& layer : layers_) {
    if (!is_frozen(*layer)) return stages;
    ++stages;
  }
  return is_frozen(*norm_) ? stages + 1 : stages;
}

at::Tensor Gemma3ModelImpl::forward(const at::Tensor& ids, const ops::PackedLayout& layout) {
  return RunStages(ids, layout, 0, num_stages());
}

void Gemma3ModelImpl::SetMatmulDtype(ops::MatmulDtype dtype) {
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* linear = dynamic_cast<LinearImpl*>(module.get())) linear->set_matmul_dtype(dtype);
  }
}

}  // namespace gemtune::model
