#include "gemtune/model/pass_memory.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gemtune/model/names.h"
#include "gemtune/ops/linear_cross_entropy.h"

namespace gemtune::model {
namespace {

int64_t SizeOf(at::ScalarType dtype) {
  return static_cast<int64_t>(at::elementSize(dtype));
}

// The parts of an adapter that matter here.
struct AdapterMemory {
  bool is_of_down_proj = false;
  int64_t in = 0, out = 0, rank = 0;
  bool has_gain = false;
};

// The trained parts of a layer.
struct LayerMemory {
  bool is_trained = false;
  int64_t gradient_bytes = 0;
  std::vector<AdapterMemory> adapters;
};

// A module's A, B and gain come in this order.
void AddToAdapters(const std::string& name, const at::Tensor& parameter,
                   std::vector<AdapterMemory>& adapters) {
  if (name.ends_with(".lora_A.weight")) {
    adapters.push_back({.is_of_down_proj = name.find("down_proj") != std::string::npos,
                        .in = parameter.size(1),
                        .rank = parameter.size(0)});
  } else if (name.ends_with(".lora_B.weight")) {
    adapters.back().out = parameter.size(0);
  } else if (name.ends_with(".lora_magnitude_vector.weight")) {
    adapters.back().has_gain = true;
  }
}

class Pass {
 public:
  Pass(const torch::nn::Module& model, const Gemma3TextConfig& config, const PassMemoryOptions& options)
      : config_(config),
        options_(options),
        size_(SizeOf(options.dtype)),
        layers_(static_cast<size_t>(config.num_hidden_layers)) {
    for (const auto& item : model.named_parameters()) {
      const at::Tensor& parameter = item.value();
      if (!parameter.requires_grad()) continue;
      const int64_t bytes = parameter.numel() * SizeOf(parameter.scalar_type());
      const std::optional<int64_t> place = LayerOf(item.key());
      if (IsOfEmbedding(item.key())) {
        trains_embedding_ = true;
      } else if (place) {
        LayerMemory& layer = layers_[static_cast<size_t>(*place)];
        layer.is_trained = true;
        layer.gradient_bytes += bytes;
        AddToAdapters(item.key(), parameter, layer.adapters);
      } else {
        top_gradient_bytes_ += bytes;
      }
    }
  }

  int64_t Bytes(int64_t tokens, int64_t query_rows) const {
    int64_t gradients = top_gradient_bytes_ + HeadGradientBytes(), kept = 0;
    const int64_t first = FirstTrained();
    for (int64_t i = first; i < config_.num_hidden_layers; ++i) kept += Kept(i, tokens, query_rows);
    int64_t accumulated = 0;
    if (options_.accumulates_gradients) {
      accumulated = gradients + EmbeddingGradientBytes(tokens);
      for (const LayerMemory& layer : layers_) accumulated += layer.gradient_bytes;
    }
    int64_t most = kept + std::max(Working(tokens), HeadBytes(query_rows));
    for (int64_t i = config_.num_hidden_layers - 1; i >= first; --i) {
      gradients += layers_[static_cast<size_t>(i)].gradient_bytes;
      const int64_t again = options_.gradient_checkpointing ? Saved(i, tokens, query_rows) : 0;
      const int64_t rows = i + 1 == config_.num_hidden_layers ? query_rows : tokens;
      most = std::max(most, kept + again + gradients + Working(rows));
      kept -= Kept(i, tokens, query_rows);
    }
    return accumulated + std::max(most, gradients + EmbeddingGradientBytes(tokens));
  }

 private:
  int64_t FirstTrained() const {
    if (trains_embedding_) return 0;
    const auto first = std::find_if(layers_.begin(), layers_.end(),
                                    [](const LayerMemory& layer) { return layer.is_trained; });
    return first - layers_.begin();
  }

  int64_t Input(int64_t tokens) const { return 4 * config_.hidden_size * tokens; }

  int64_t Kept(int64_t layer, int64_t tokens, int64_t query_rows) const {
    return Input(tokens) + (options_.gradient_checkpointing ? 0 : Saved(layer, tokens, query_rows));
  }

  // Everything kept except the input.
  int64_t Saved(int64_t i, int64_t tokens, int64_t query_rows) const {
    const int64_t d = config_.hidden_size, q = config_.num_attention_heads * config_.head_dim,
                  k = config_.num_key_value_heads * config_.head_dim;
    const int64_t rows = i + 1 == config_.num_hidden_layers ? query_rows : tokens;
    int64_t mlp = size_ * 2 * config_.intermediate_size, adapters = 0;
    for (const AdapterMemory& adapter : layers_[static_cast<size_t>(i)].adapters) {
      adapters += size_ * adapter.rank;
      if (!IsComposed(adapter)) continue;
      adapters += (4 + size_) * adapter.in + size_ * adapter.out;
      if (adapter.is_of_down_proj) mlp = config_.intermediate_size * 3 * 4;
    }
    const int64_t of_row = size_ * 2 * q + 4 * config_.num_attention_heads + size_ * 2 * d + 4 * d;
    return size_ * 2 * k * tokens + (of_row + mlp + adapters) * rows;
  }

  bool IsComposed(const AdapterMemory& adapter) const {
    return adapter.has_gain && options_.lora_dropout > 0;
  }

  int64_t Working(int64_t rows) const {
    const int64_t plain = InferencePassBytes(config_, rows, options_.dtype);
    const bool has_gain = std::any_of(layers_.begin(), layers_.end(), [](const LayerMemory& layer) {
      return !layer.adapters.empty() && layer.adapters.front().has_gain;
    });
    return plain + (has_gain ? size_ * 2 * config_.intermediate_size * rows : 0);  // g ∘ dy
  }

  // What the loss leaves: the embedding's gradient as a head.
  int64_t HeadGradientBytes() const {
    return options_.has_vocabulary_head && trains_embedding_
               ? size_ * config_.vocab_size * config_.hidden_size
               : 0;
  }

  // While the loss is computed: the logits and that gradient, as an fp32 sum if rows come in several chunks.
  int64_t HeadBytes(int64_t rows) const {
    if (!options_.has_vocabulary_head) return 0;
    const int64_t at_once = ops::LogitRows(rows, config_.vocab_size, options_.dtype, trains_embedding_);
    const int64_t gradient = HeadGradientBytes() * (rows > at_once ? SizeOf(at::kFloat) / size_ : 1);
    return size_ * at_once * config_.vocab_size + gradient;
  }

  // The rows of distinct tokens, both as fp32 sums and rounded; as a part of a dense gradient that is copied
  // to be added to.
  int64_t EmbeddingGradientBytes(int64_t tokens) const {
    const int64_t rows = std::min(tokens, config_.vocab_size);
    return trains_embedding_ ? rows * config_.hidden_size * (4 + size_) : 0;
  }

  const Gemma3TextConfig& config_;
  const PassMemoryOptions& options_;
  const int64_t size_;
  std::vector<LayerMemory> layers_;
  bool trains_embedding_ = false;
  int64_t top_gradient_bytes_ = 0;
};

}  // namespace

int64_t PassBytes(const torch::nn::Module& model, const Gemma3TextConfig& config, int64_t tokens,
                  int64_t query_rows, const PassMemoryOptions& options) {
  return Pass(model, config, options).Bytes(tokens, query_rows);
}

int64_t VocabularyHeadBytes(const Gemma3TextConfig& config, int64_t rows, at::ScalarType dtype) {
  return SizeOf(dtype) * ops::LogitRows(rows, config.vocab_size, dtype, /*trains_weight=*/false) *
         config.vocab_size;
}

int64_t InferencePassBytes(const Gemma3TextConfig& config, int64_t tokens, at::ScalarType dtype) {
  const int64_t size = SizeOf(dtype);
  return (3 * size * config.intermediate_size + (size + 8) * config.hidden_size) * tokens;
}

int64_t CardKernelBytes(const Gemma3TextConfig& config, int64_t tokens, at::ScalarType dtype) {
  const int64_t size = SizeOf(dtype), q = config.num_attention_heads * config.head_dim,
                k = config.num_key_value_heads * config.head_dim;
  return (SizeOf(at::kFloat) * q + 2 * size * q + 2 * size * (q + k)) * tokens;
}

int64_t KernelBytes(const Gemma3TextConfig& config, int64_t tokens, at::ScalarType dtype) {
  const int64_t size = SizeOf(dtype), d = config.hidden_size, i = config.intermediate_size,
                k = config.num_key_value_heads * config.head_dim;
  const int64_t packed = size * 2 * i * d + size * std::max(d, i) * tokens;
  return packed + (3 * size + 2 * SizeOf(at::kFloat)) * k * tokens;
}

}  // namespace gemtune::model
