#include "gemtune/model/gguf_metadata.h"

#include <fmt/format.h>

#include <cmath>

#include "gemtune/base/error.h"

namespace gemtune::model {
namespace {

constexpr uint32_t kQuantizationVersion = 2;  // GGML_QNT_VERSION
constexpr int64_t kLayersOf27B = 62;          // by which llama.cpp knows it

void SetGeneral(io::GgufMetadata& metadata, const std::string& type, const std::string& name) {
  metadata.Set("general.architecture", "gemma3").Set("general.type", type).Set("general.name", name);
}

// "268M", "1.0B": at least two digits, as the gguf package's size_label.
std::string SizeLabel(int64_t parameters) {
  const auto count = static_cast<double>(parameters);
  const char suffix = count > 1e9 ? 'B' : count > 1e6 ? 'M' : 'K';
  const double scaled = count / (suffix == 'B' ? 1e9 : suffix == 'M' ? 1e6 : 1e3);
  return fmt::format("{:.{}f}{}", scaled, scaled < 9.5 ? 1 : 0, suffix);
}

}  // namespace

void RefuseWhatLlamaCppLacks(const Gemma3TextConfig& config, const std::string& source) {
  const double scalar = config.num_hidden_layers == kLayersOf27B
                            ? static_cast<double>(config.hidden_size / config.num_attention_heads)
                            : static_cast<double>(config.head_dim);
  const auto refuse = [&](const std::string& what) {
    Fail("{}: {}, which a GGUF file cannot say: llama.cpp would compute something else", source, what);
  };
  if (config.query_pre_attn_scalar != scalar) {
    refuse(fmt::format("'query_pre_attn_scalar' is {}, not {}", config.query_pre_attn_scalar, scalar));
  }
  if (config.local_rope.linear_factor != 1) refuse("the positions of its local layers are scaled");
  for (size_t i = 0; i < config.layer_is_global.size(); ++i) {
    if (config.layer_is_global[i] == ((static_cast<int64_t>(i) + 1) % kGlobalLayerEvery == 0)) continue;
    refuse("its global layers are not every sixth");
  }
}

io::GgufMetadata ModelMetadata(const std::string& name, const Gemma3TextConfig& config,
                               const text::Tokenizer& tokenizer, const io::GgufOuttype& outtype) {
  const auto size = [](int64_t value) { return static_cast<uint32_t>(value); };
  const auto number = [](double value) { return static_cast<float>(value); };
  io::GgufMetadata metadata;
  SetGeneral(metadata, "model", name);
  metadata
      .Set("general.size_label",
           SizeLabel(config.vocab_size * config.hidden_size + config.num_layer_parameters()))
      .Set("general.quantization_version", kQuantizationVersion)
      .Set("general.file_type", outtype.file_type)
      .Set("gemma3.context_length", size(config.max_position_embeddings))
      .Set("gemma3.embedding_length", size(config.hidden_size))
      .Set("gemma3.block_count", size(config.num_hidden_layers))
      .Set("gemma3.feed_forward_length", size(config.intermediate_size))
      .Set("gemma3.attention.head_count", size(config.num_attention_heads))
      .Set("gemma3.attention.head_count_kv", size(config.num_key_value_heads))
      .Set("gemma3.attention.key_length", size(config.head_dim))
      .Set("gemma3.attention.value_length", size(config.head_dim))
      .Set("gemma3.attention.layer_norm_rms_epsilon", number(config.rms_norm_eps))
      .Set("gemma3.attention.sliding_window", size(config.sliding_window))
      .Set("gemma3.rope.freq_base", number(config.global_rope.theta))
      .Set("gemma3.rope.freq_base_swa", number(config.local_rope.theta));
  if (config.global_rope.linear_factor != 1) {
    metadata.Set("gemma3.rope.scaling.type", "linear")
        .Set("gemma3.rope.scaling.factor", number(config.global_rope.linear_factor));
  }
  tokenizer.AddTo(metadata, config.vocab_size);
  return metadata;
}

io::GgufMetadata LoraMetadata(const std::string& name, double lora_alpha) {
  io::GgufMetadata metadata;
  SetGeneral(metadata, "adapter", name);
  metadata.Set("general.quantization_version", kQuantizationVersion)
      .Set("adapter.type", "lora")
      .Set("adapter.lora.alpha", static_cast<float>(lora_alpha));
  return metadata;
}

}  // namespace gemtune::model
