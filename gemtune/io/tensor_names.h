#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gemtune::io {

/// A tensor's name in a GGUF file and in a Hugging Face checkpoint. `{}` stands for the layer's number.
struct TensorNameRow {
  std::string_view gguf;
  std::string_view hf;
  bool gguf_stores_one_plus;  // 1 + w, as Gemma3RMSNorm multiplies by: llama.cpp adds the 1 when it converts
};

/// Every tensor of a Gemma 3 text model.
std::span<const TensorNameRow> Gemma3TensorNames();

struct TranslatedName {
  std::string name;
  bool gguf_stores_one_plus = false;
};

/// "blk.3.attn_q.weight" → "model.layers.3.self_attn.q_proj.weight". Nothing if the table lacks it.
std::optional<TranslatedName> HfNameFromGguf(std::string_view gguf_name);

/// The inverse.
std::optional<TranslatedName> GgufNameFromHf(std::string_view hf_name);

/// The name that a tensor of any Hugging Face layout of Gemma 3 has in a text-only one (Gemma3ForCausalLM):
/// "language_model.model.norm.weight" (multimodal), "model.language_model.norm.weight" (the same since
/// transformers 4.52) and "norm.weight" (Gemma3TextModel) are all "model.norm.weight". Nothing for tensors of
/// the vision tower and its projector; other names come back as they are.
std::optional<std::string> TextModelName(std::string_view hf_name);

}  // namespace gemtune::io
