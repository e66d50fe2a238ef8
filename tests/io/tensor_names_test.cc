#include "gemtune/io/tensor_names.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace gemtune::io {
namespace {

// llama.cpp's gguf-py/gguf/tensor_mapping.py; llama.cpp adds 1 to whatever Hugging Face calls a norm.
TEST(TensorNames, AreTranslatedFromGguf) {
  const std::pair<std::string, std::string> of_a_layer[] = {
      {"attn_norm", "input_layernorm"},
      {"attn_q", "self_attn.q_proj"},
      {"attn_k", "self_attn.k_proj"},
      {"attn_v", "self_attn.v_proj"},
      {"attn_q_norm", "self_attn.q_norm"},
      {"attn_k_norm", "self_attn.k_norm"},
      {"attn_output", "self_attn.o_proj"},
      {"post_attention_norm", "post_attention_layernorm"},
      {"ffn_norm", "pre_feedforward_layernorm"},
      {"ffn_gate", "mlp.gate_proj"},
      {"ffn_up", "mlp.up_proj"},
      {"ffn_down", "mlp.down_proj"},
      {"post_ffw_norm", "post_feedforward_layernorm"}};
  std::vector<std::pair<std::string, std::string>> names = {
      {"token_embd.weight", "model.embed_tokens.weight"},
      {"output_norm.weight", "model.norm.weight"},
      {"output.weight", "lm_head.weight"}};
  for (const std::string layer : {"0", "7", "61"}) {
    for (const auto& [gguf, hf] : of_a_layer)
      names.emplace_back("blk." + layer + "." + gguf + ".weight",
                         "model.layers." + layer + "." + hf + ".weight");
  }
  for (const auto& [gguf, hf] : names) {
    const auto translated = HfNameFromGguf(gguf);
    ASSERT_TRUE(translated) << gguf;
    EXPECT_EQ(translated->name, hf);
    EXPECT_EQ(translated->gguf_stores_one_plus, hf.ends_with("norm.weight")) << hf;
    const auto back = GgufNameFromHf(hf);
    ASSERT_TRUE(back) << hf;
    EXPECT_EQ(back->name, gguf);
    EXPECT_EQ(back->gguf_stores_one_plus, translated->gguf_stores_one_plus);
  }
  EXPECT_FALSE(GgufNameFromHf("score.weight"));
}

TEST(TensorNames, OthersAreNotTranslated) {
  for (const char* name :
       {"", "blk.attn_q.weight", "blk..attn_q.weight", "blk.1x.attn_q.weight", "blk.-1.attn_q.weight",
        "blk.01.attn_q.weight", "blk.1.attn_q.bias", "blk.1.attn_q", "token_embd.weight.",
        "xtoken_embd.weight", "rope_freqs.weight", "blk.1.2.attn_q.weight"}) {
    EXPECT_FALSE(HfNameFromGguf(name)) << name;
  }
}

TEST(TensorNames, EveryLayoutBecomesTextOnly) {
  const std::string layer = "layers.0.mlp.up_proj.weight";
  for (const char* prefix :
       {"", "model.", "language_model.", "language_model.model.", "model.language_model."}) {
    EXPECT_EQ(TextModelName(prefix + layer), "model." + layer);
    EXPECT_EQ(TextModelName(prefix + std::string("embed_tokens.weight")), "model.embed_tokens.weight");
    EXPECT_EQ(TextModelName(prefix + std::string("norm.weight")), "model.norm.weight");
  }
  EXPECT_EQ(TextModelName("language_model.lm_head.weight"), "lm_head.weight");
  EXPECT_EQ(TextModelName("lm_head.weight"), "lm_head.weight");
  EXPECT_EQ(TextModelName("score.weight"), "score.weight");
  EXPECT_EQ(TextModelName("normal.weight"), "normal.weight");
  for (const char* prefix : {"vision_tower.", "model.vision_tower."}) {
    EXPECT_EQ(TextModelName(prefix + std::string("vision_model.encoder.layers.0.mlp.fc1.bias")),
              std::nullopt);
  }
  for (const char* prefix : {"multi_modal_projector.", "model.multi_modal_projector."}) {
    EXPECT_EQ(TextModelName(prefix + std::string("mm_soft_emb_norm.weight")), std::nullopt);
  }
}

}  // namespace
}  // namespace gemtune::io
