#include "gemtune/io/gguf_config.h"

#include <gmock/gmock.h>

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <set>

#include "gemtune/io/json_file.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"

namespace gemtune::io {
namespace {

using ::gemtune::test::GgufWriter;
using ::gemtune::test::MessageOf;
using ::testing::HasSubstr;

class GgufConfig : public test::TempDir {
 protected:
  nlohmann::ordered_json Config(const GgufWriter& writer) {
    writer.Write(dir_ / "m.gguf");
    return Gemma3ConfigFromGguf(GgufFile::Open(dir_ / "m.gguf"));
  }
  std::string Fault(const GgufWriter& writer) {
    return MessageOf([&] { Config(writer); });
  }
};

// As many tensors as layers, so that the number of layers can be believed.
GgufWriter Model(uint32_t layers, uint32_t hidden_size) {
  GgufWriter writer;
  writer.Set("general.architecture", "gemma3")
      .Set("gemma3.block_count", layers)
      .Set("gemma3.embedding_length", hidden_size)
      .Set("gemma3.context_length", uint32_t{131072})
      .Set("gemma3.feed_forward_length", uint32_t{64})
      .Set("gemma3.attention.head_count", uint32_t{32})
      .Set("gemma3.attention.head_count_kv", uint32_t{16})
      .Set("gemma3.attention.key_length", uint32_t{128})
      .Set("gemma3.attention.sliding_window", uint32_t{1024})
      .Set("gemma3.attention.layer_norm_rms_epsilon", 1e-6f)
      .Tensor("token_embd.weight", {3, 1}, {0, 0, 0});
  for (uint32_t i = 1; i < layers; ++i) writer.Tensor(fmt::format("t{}", i), {1}, {0});
  return writer;
}

// Against AutoConfig; see golden/generate_gguf.py.
TEST_F(GgufConfig, EqualsWhatTransformersMakesOfIt) {
  const std::string golden = GEMTUNE_SOURCE_DIR "/tests/io/golden/";
  const auto theirs = ParseJsonFile(golden + "tiny_config.json");
  const auto ours = Gemma3ConfigFromGguf(GgufFile::Open(golden + "tiny.gguf"));
  // They leave architectures to the model class and the query scale at 256 whatever the head's size; the last
  // three are for transformers 4.
  const std::set<std::string> differ = {"architectures", "query_pre_attn_scalar", "rms_norm_eps",
                                        "rope_theta",    "rope_local_base_freq",  "rope_scaling"};
  for (const auto& [key, value] : ours.items()) {
    if (differ.contains(key)) continue;
    EXPECT_EQ(value, theirs.value(key, nlohmann::ordered_json("missing"))) << key;
  }
  EXPECT_EQ(ours["rms_norm_eps"], 1e-6);
  EXPECT_EQ(static_cast<float>(ours["rms_norm_eps"].get<double>()), theirs["rms_norm_eps"].get<float>());
  EXPECT_EQ(ours["query_pre_attn_scalar"], 32);
  EXPECT_EQ(ours["architectures"], nlohmann::ordered_json::array({"Gemma3ForCausalLM"}));
  EXPECT_EQ(ours["rope_theta"], 1e6);
  EXPECT_EQ(ours["rope_local_base_freq"], 1e4);
  EXPECT_TRUE(ours["rope_scaling"].is_null());
}

// google/gemma-3-27b-it's config.json: 8× linear scaling of the full layers, query_pre_attn_scalar 168.
// A C++ user's program may have set one in which "1e-06" is fine and "0.5" ends at the point.
TEST_F(GgufConfig, ALocaleWithDecimalCommasChangesNothing) {
  const std::string locale = (dir_ / "de_DE.UTF-8").string();
  const std::string make = "localedef -i de_DE -f UTF-8 " + locale + " > /dev/null 2>&1";
  ::setenv("LOCPATH", dir_.c_str(), 1);
  const bool is_set = std::system(make.c_str()) == 0 && std::setlocale(LC_ALL, "de_DE.UTF-8") != nullptr;
  const auto config = Config(Model(1, 2560).Set("gemma3.final_logit_softcapping", 0.25f));
  std::setlocale(LC_ALL, "C");
  ::unsetenv("LOCPATH");
  EXPECT_EQ(config["final_logit_softcapping"], 0.25);
  if (!is_set) GTEST_SKIP() << "localedef cannot make de_DE.UTF-8 here";
}

TEST_F(GgufConfig, The27B) {
  auto writer = Model(62, 5376);
  writer.Set("gemma3.rope.scaling.type", "linear").Set("gemma3.rope.scaling.factor", 8.0f);
  const auto config = Config(writer);
  EXPECT_EQ(config["query_pre_attn_scalar"], 168);
  EXPECT_EQ(config["head_dim"], 128);
  EXPECT_EQ(config["vocab_size"], 3);
  EXPECT_EQ(config["rope_parameters"], nlohmann::ordered_json::parse(R"({
      "full_attention": {"rope_theta": 1000000.0, "rope_type": "linear", "factor": 8.0},
      "sliding_attention": {"rope_theta": 10000.0, "rope_type": "default"}})"));
  EXPECT_EQ(config["rope_scaling"],
            nlohmann::ordered_json::parse(R"({"factor": 8.0, "rope_type": "linear"})"));
  ASSERT_EQ(config["layer_types"].size(), 62u);
  for (size_t i = 0; i < 62; ++i) {
    EXPECT_EQ(config["layer_types"][i], i % 6 == 5 ? "full_attention" : "sliding_attention") << i;
  }
}

TEST_F(GgufConfig, OptionalKeysAndDefaults) {
  const auto plain = Config(Model(2, 8));
  EXPECT_EQ(plain["query_pre_attn_scalar"], 128);
  EXPECT_EQ(plain["bos_token_id"], 2);
  EXPECT_EQ(plain["eos_token_id"], 1);
  EXPECT_EQ(plain["pad_token_id"], 0);
  EXPECT_EQ(plain["tie_word_embeddings"], true);
  EXPECT_TRUE(plain["final_logit_softcapping"].is_null());
  auto writer = Model(2, 8);
  writer.Set("tokenizer.ggml.bos_token_id", uint32_t{5})
      .Set("tokenizer.ggml.eos_token_id", uint32_t{106})
      .Set("tokenizer.ggml.padding_token_id", uint32_t{7})
      .Set("gemma3.final_logit_softcapping", 30.0f)
      .Set("gemma3.rope.freq_base", 500000.0f)
      .Set("gemma3.rope.freq_base_swa", 20000.0f)
      .Tensor("output.weight", {3, 1}, {0, 0, 0});
  const auto full = Config(writer);
  EXPECT_EQ(full["bos_token_id"], 5);
  EXPECT_EQ(full["eos_token_id"], 106);
  EXPECT_EQ(full["pad_token_id"], 7);
  EXPECT_EQ(full["tie_word_embeddings"], false);
  EXPECT_EQ(full["final_logit_softcapping"], 30.0);
  EXPECT_EQ(full["rope_parameters"]["full_attention"]["rope_theta"], 500000.0);
  EXPECT_EQ(full["rope_parameters"]["sliding_attention"]["rope_theta"], 20000.0);
}

TEST_F(GgufConfig, WhatMakesNoSense) {
  EXPECT_THAT(Fault(GgufWriter()), HasSubstr("m.gguf: metadata 'general.architecture' is missing"));
  EXPECT_THAT(Fault(GgufWriter().Set("general.architecture", "llama")),
              HasSubstr("architecture 'llama'; gemtune"));
  EXPECT_THAT(Fault(GgufWriter().Set("general.architecture", "gemma3")),
              HasSubstr("metadata 'gemma3.block_count' is missing"));
  GgufWriter many;
  many.Set("general.architecture", "gemma3")
      .Set("gemma3.block_count", uint32_t{4000000000})
      .Set("gemma3.embedding_length", uint32_t{8});
  EXPECT_THAT(Fault(many), HasSubstr("says it has 4000000000 layers, but has 0 tensors only"));
  EXPECT_THAT(Fault(Model(0, 8)), HasSubstr("'gemma3.block_count' is 0"));
  EXPECT_THAT(Fault(Model(1, 8).Set("gemma3.rope.scaling.type", "yarn")),
              HasSubstr("type 'yarn' is not supported"));
  EXPECT_THAT(Fault(Model(1, 8).Set("gemma3.rope.scaling.type", "linear")),
              HasSubstr("scaling.factor' is missing"));
}

}  // namespace
}  // namespace gemtune::io
