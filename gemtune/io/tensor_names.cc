#include "gemtune/io/tensor_names.h"

#include <algorithm>
#include <array>

namespace gemtune::io {
namespace {

// `{}` stands for the layer's number.
struct TensorNameRow {
  std::string_view gguf;
  std::string_view hf;
  bool gguf_stores_one_plus;
};

// Every tensor of a Gemma 3 text model.
constexpr std::array<TensorNameRow, 16> kGemma3 = {{
    {"token_embd.weight", "model.embed_tokens.weight", false},
    {"blk.{}.attn_norm.weight", "model.layers.{}.input_layernorm.weight", true},
    {"blk.{}.attn_q.weight", "model.layers.{}.self_attn.q_proj.weight", false},
    {"blk.{}.attn_k.weight", "model.layers.{}.self_attn.k_proj.weight", false},
    {"blk.{}.attn_v.weight", "model.layers.{}.self_attn.v_proj.weight", false},
    {"blk.{}.attn_q_norm.weight", "model.layers.{}.self_attn.q_norm.weight", true},
    {"blk.{}.attn_k_norm.weight", "model.layers.{}.self_attn.k_norm.weight", true},
    {"blk.{}.attn_output.weight", "model.layers.{}.self_attn.o_proj.weight", false},
    {"blk.{}.post_attention_norm.weight", "model.layers.{}.post_attention_layernorm.weight", true},
    {"blk.{}.ffn_norm.weight", "model.layers.{}.pre_feedforward_layernorm.weight", true},
    {"blk.{}.ffn_gate.weight", "model.layers.{}.mlp.gate_proj.weight", false},
    {"blk.{}.ffn_up.weight", "model.layers.{}.mlp.up_proj.weight", false},
    {"blk.{}.ffn_down.weight", "model.layers.{}.mlp.down_proj.weight", false},
    {"blk.{}.post_ffw_norm.weight", "model.layers.{}.post_feedforward_layernorm.weight", true},
    {"output_norm.weight", "model.norm.weight", true},
    {"output.weight", "lm_head.weight", false},
}};

// The text in place of {} if `name` matches `pattern` ("" if the pattern has no {}); nullopt if it does not
// match.
std::optional<std::string_view> Match(std::string_view name, std::string_view pattern) {
  const size_t hole = pattern.find("{}");
  if (hole == std::string_view::npos)
    return name == pattern ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view before = pattern.substr(0, hole);
  const std::string_view after = pattern.substr(hole + 2);
  if (name.size() <= before.size() + after.size()) return std::nullopt;
  if (!name.starts_with(before) || !name.ends_with(after)) return std::nullopt;
  const std::string_view layer = name.substr(hole, name.size() - before.size() - after.size());
  const bool digits = std::all_of(layer.begin(), layer.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (layer.size() > 1 && layer[0] == '0')) return std::nullopt;
  return layer;
}

// `name`, which is named by `from` in one of the rows, as `to` names it.
std::optional<TranslatedName> Translate(std::string_view name, std::string_view TensorNameRow::*from,
                                        std::string_view TensorNameRow::*to) {
  for (const TensorNameRow& row : kGemma3) {
    const auto layer = Match(name, row.*from);
    if (!layer) continue;
    std::string translated(row.*to);
    const size_t hole = translated.find("{}");
    if (hole != std::string::npos) translated.replace(hole, 2, *layer);
    return TranslatedName{std::move(translated), row.gguf_stores_one_plus};
  }
  return std::nullopt;
}

struct PrefixRow {
  std::string_view prefix;
  std::string_view text_only;  // its replacement; "" if the tensor is not the text model's
};

// The first match counts.
constexpr std::array<PrefixRow, 11> kPrefixes = {{
    {"vision_tower.", ""},
    {"multi_modal_projector.", ""},
    {"model.vision_tower.", ""},
    {"model.multi_modal_projector.", ""},
    {"language_model.model.", "model."},      // Gemma3ForConditionalGeneration as files on the Hub have it
    {"language_model.lm_head.", "lm_head."},  //
    {"model.language_model.", "model."},      // the same as named since transformers 4.52
    {"language_model.", "model."},            // Gemma3Model
    {"layers.", "model.layers."},             // Gemma3TextModel
    {"embed_tokens.", "model.embed_tokens."},
    {"norm.", "model.norm."},
}};

}  // namespace

std::optional<TranslatedName> HfNameFromGguf(std::string_view gguf_name) {
  return Translate(gguf_name, &TensorNameRow::gguf, &TensorNameRow::hf);
}

std::optional<TranslatedName> GgufNameFromHf(std::string_view hf_name) {
  return Translate(hf_name, &TensorNameRow::hf, &TensorNameRow::gguf);
}

std::optional<std::string> TextModelName(std::string_view hf_name) {
  for (const PrefixRow& row : kPrefixes) {
    if (!hf_name.starts_with(row.prefix)) continue;
    if (row.text_only.empty()) return std::nullopt;
    return std::string(row.text_only).append(hf_name.substr(row.prefix.size()));
  }
  return std::string(hf_name);
}

}  // namespace gemtune::io
