#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gemtune::model {

// The names of a classifier's parameters, as in transformers' text-only Gemma 3:
//   model.embed_tokens.weight
//   model.layers.<i>.self_attn.q_proj.weight, ...
//   model.norm.weight
//   score.weight
// An adapter's parameters are below the module that it adapts: model.layers.<i>.mlp.up_proj.lora_A.weight.

inline constexpr std::string_view kTrunk = "model.";
inline constexpr std::string_view kLayers = "model.layers.";
inline constexpr std::string_view kEmbeddingWeight = "model.embed_tokens.weight";
inline constexpr std::string_view kHead = "score";  // a module
inline constexpr std::string_view kHeadWeight = "score.weight";

/// Whether a parameter belongs to the head rather than to the pre-trained trunk.
bool IsOfHead(std::string_view name);

bool IsOfEmbedding(std::string_view name);
bool IsOfFinalNorm(std::string_view name);

/// Whether it belongs to an adapter.
bool IsOfAdapter(std::string_view name);

/// The layer that a parameter belongs to; nullopt for the embedding, the final norm and the head.
std::optional<int64_t> LayerOf(std::string_view name);

}  // namespace gemtune::model
