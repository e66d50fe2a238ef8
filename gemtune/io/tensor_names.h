#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gemtune::io {

/// A tensor's name in the other kind of file.
struct TranslatedName {
  std::string name;
  bool gguf_stores_one_plus = false;  // 1 + w, as Gemma3RMSNorm multiplies by: llama.cpp adds the 1
};

/// "blk.3.attn_q.weight" → "model.layers.3.self_attn.q_proj.weight". nullopt for a tensor that the text model
/// does not have.
std::optional<TranslatedName> HfNameFromGguf(std::string_view gguf_name);

/// The inverse.
std::optional<TranslatedName> GgufNameFromHf(std::string_view hf_name);

/// The name in a text-only model (Gemma3ForCausalLM) of a tensor from any Hugging Face layout of Gemma 3:
/// "language_model.model.norm.weight" (multimodal), "model.language_model.norm.weight" (the same since
/// transformers 4.52) and "norm.weight" (Gemma3TextModel) are all "model.norm.weight". nullopt for tensors of
/// the vision tower and its projector; other names are returned unchanged.
std::optional<std::string> TextModelName(std::string_view hf_name);

}  // namespace gemtune::io
