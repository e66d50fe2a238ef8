#include "gemtune/io/tensor_names.h"

#include <gtest/gtest.h>

#include <set>

namespace gemtune::io {
namespace {

TEST(TensorNames, TranslateBothWays) {
  std::set<std::string> names;
  for (const TensorNameRow& row : Gemma3TensorNames()) {
    for (const std::string layer : {"0", "7", "61"}) {
      std::string gguf(row.gguf);
      std::string hf(row.hf);
      if (const size_t hole = gguf.find("{}"); hole != std::string::npos) {
        gguf.replace(hole, 2, layer);
        hf.replace(hf.find("{}"), 2, layer);
      }
      ASSERT_TRUE(HfNameFromGguf(gguf)) << gguf;
      EXPECT_EQ(HfNameFromGguf(gguf)->name, hf);
      EXPECT_EQ(HfNameFromGguf(gguf)->gguf_stores_one_plus, row.gguf_stores_one_plus);
      ASSERT_TRUE(GgufNameFromHf(hf)) << hf;
      EXPECT_EQ(GgufNameFromHf(hf)->name, gguf);
      EXPECT_EQ(GgufNameFromHf(hf)->gguf_stores_one_plus, row.gguf_stores_one_plus);
      names.insert(hf);
    }
    // llama.cpp adds 1 to whatever Hugging Face calls a norm.
    EXPECT_EQ(row.gguf_stores_one_plus, row.hf.ends_with("norm.weight")) << row.hf;
  }
  EXPECT_EQ(names.size(), 3u + 13 * 3);
}

TEST(TensorNames, OthersAreNotTranslated) {
  for (const char* name :
       {"", "blk.attn_q.weight", "blk..attn_q.weight", "blk.1x.attn_q.weight", "blk.-1.attn_q.weight",
        "blk.01.attn_q.weight", "blk.1.attn_q.bias", "blk.1.attn_q", "token_embd.weight.",
        "xtoken_embd.weight", "rope_freqs.weight", "blk.1.2.attn_q.weight"}) {
    EXPECT_FALSE(HfNameFromGguf(name)) << name;
  }
  EXPECT_FALSE(GgufNameFromHf("score.weight"));
  EXPECT_FALSE(GgufNameFromHf("model.layers.0.self_attn.q_proj.bias"));
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
