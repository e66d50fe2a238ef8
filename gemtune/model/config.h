#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace gemtune::model {

/// Gemma 3's layers, unless a configuration says otherwise: five local ones, then a global one.
inline constexpr int64_t kGlobalLayerEvery = 6;

/// Rotary embedding of one kind of layer (local or global).
struct RopeParameters {
  double theta = 10'000.0;
  double linear_factor = 1.0;  // positions are divided by it (rope_type "linear")
};

/// Gemma 3's text model; members are named and defaulted as in transformers' Gemma3TextConfig.
struct Gemma3TextConfig {
  int64_t vocab_size = 262'208;
  int64_t hidden_size = 2304;
  int64_t intermediate_size = 9216;
  int64_t num_hidden_layers = 26;
  int64_t num_attention_heads = 8;
  int64_t num_key_value_heads = 4;
  int64_t head_dim = 256;
  int64_t max_position_embeddings = 131'072;
  int64_t sliding_window = 4096;
  double rms_norm_eps = 1e-6;
  double query_pre_attn_scalar = 256;
  double initializer_range = 0.02;
  int64_t pad_token_id = 0;
  RopeParameters local_rope = {.theta = 10'000.0};
  RopeParameters global_rope = {.theta = 1'000'000.0};
  std::vector<bool> layer_is_global;  // [num_hidden_layers]; "full_attention" in layer_types
  /// The prefix of the trunk's module paths in transformers' classifier for this checkpoint; a multimodal one
  /// has "model.language_model." (Gemma3ForSequenceClassification).
  std::string trunk_prefix = "model.";

  /// From config.json: model_type "gemma3_text", or "gemma3" with its text_config. Both spellings of the
  /// rotary parameters (rope_theta, rope_local_base_freq, rope_scaling; rope_parameters) and of the layer
  /// pattern (sliding_window_pattern; layer_types) are read. Throws Error naming the field for a value that
  /// is missing, of the wrong type, out of range, or that asks for something Gemma 3 does not do (soft
  /// capping, attention bias, bidirectional attention, another activation or rope type). `source` names the
  /// file in messages.
  static Gemma3TextConfig FromJson(const nlohmann::ordered_json& config, const std::string& source);

  /// Number of parameters of the text model without its token embedding and head, that is, those in a step's
  /// matrix products.
  int64_t num_layer_parameters() const;
};

/// The dimensions of a published size: 270m, 1b, 4b, 12b or 27b.
struct Variant {
  std::string_view name;  // "270m"
  int64_t hidden_size;
  int64_t intermediate_size;
  int64_t num_hidden_layers;
  int64_t num_attention_heads;
  int64_t num_key_value_heads;
  int64_t head_dim;
};

/// The published size with the dimensions of `config`, or nullptr.
const Variant* FindVariant(const Gemma3TextConfig& config);

}  // namespace gemtune::model
