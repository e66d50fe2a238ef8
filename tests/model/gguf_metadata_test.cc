#include "gemtune/model/gguf_metadata.h"

#include <gmock/gmock.h>

#include "gemtune/io/gguf.h"
#include "gemtune/io/gguf_config.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_tokenizer.h"

namespace gemtune::model {
namespace {

using testing::HasSubstr;

// A 4B, but for its size.
Gemma3TextConfig Config() {
  Gemma3TextConfig config;
  config.vocab_size = 300;
  config.hidden_size = 48;
  config.intermediate_size = 96;
  config.num_hidden_layers = 7;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 16;
  config.query_pre_attn_scalar = 16;
  config.max_position_embeddings = 4096;
  config.sliding_window = 1024;
  config.rms_norm_eps = 1e-5;
  config.local_rope.theta = 20'000;
  config.global_rope = {.theta = 2'000'000, .linear_factor = 8};
  config.layer_is_global = {false, false, false, false, false, true, false};
  return config;
}

class GgufMetadataTest : public test::TempDir {
 protected:
  io::GgufFile Write(const io::GgufMetadata& metadata, std::vector<io::GgufTensorEntry> tensors = {}) const {
    io::GgufWriter writer(dir_ / "m.gguf", metadata, tensors);
    for (const io::GgufTensorEntry& tensor : tensors) {
      writer.Write(std::vector<float>(static_cast<size_t>(tensor.bytes()) / sizeof(float)));
    }
    writer.Commit();
    return io::GgufFile::Open(dir_ / "m.gguf");
  }
};

TEST_F(GgufMetadataTest, TheConfigurationIsReadAsItWas) {
  const Gemma3TextConfig config = Config();
  const text::Tokenizer tokenizer = test::TinyTokenizer().Make(dir_);
  const io::GgufMetadata metadata = ModelMetadata("my model", config, tokenizer, io::FindGgufOuttype("q8_0"));
  std::vector<io::GgufTensorEntry> tensors = {{"token_embd.weight", kernels::BlockType::kF32, {300, 48}}};
  for (int i = 0; i < 7; ++i) {
    tensors.push_back({"blk." + std::to_string(i) + ".attn_norm.weight", kernels::BlockType::kF32, {48}});
  }
  const io::GgufFile file = Write(metadata, tensors);
  EXPECT_EQ(file.Required<std::string_view>("general.type"), "model");
  EXPECT_EQ(file.Required<std::string_view>("general.name"), "my model");
  EXPECT_EQ(file.Required<uint32_t>("general.file_type"), 7u);
  EXPECT_EQ(file.Required<uint32_t>("gemma3.attention.value_length"), 16u);

  const auto read = Gemma3TextConfig::FromJson(io::Gemma3ConfigFromGguf(file), "read");
  EXPECT_EQ(read.vocab_size, config.vocab_size);
  EXPECT_EQ(read.hidden_size, config.hidden_size);
  EXPECT_EQ(read.intermediate_size, config.intermediate_size);
  EXPECT_EQ(read.num_hidden_layers, config.num_hidden_layers);
  EXPECT_EQ(read.num_attention_heads, config.num_attention_heads);
  EXPECT_EQ(read.num_key_value_heads, config.num_key_value_heads);
  EXPECT_EQ(read.head_dim, config.head_dim);
  EXPECT_EQ(read.max_position_embeddings, config.max_position_embeddings);
  EXPECT_EQ(read.sliding_window, config.sliding_window);
  EXPECT_EQ(read.rms_norm_eps, config.rms_norm_eps);
  EXPECT_EQ(read.query_pre_attn_scalar, config.query_pre_attn_scalar);
  EXPECT_EQ(read.local_rope.theta, config.local_rope.theta);
  EXPECT_EQ(read.global_rope.theta, config.global_rope.theta);
  EXPECT_EQ(read.global_rope.linear_factor, config.global_rope.linear_factor);
  EXPECT_EQ(read.layer_is_global, config.layer_is_global);
}

TEST_F(GgufMetadataTest, SizesAreLabelledAsByTheGgufPackage) {
  const text::Tokenizer tokenizer = test::TinyTokenizer().Make(dir_);
  const auto label = [&](int64_t vocab_size, int64_t hidden_size) {
    Gemma3TextConfig config = Config();
    config.vocab_size = vocab_size;
    config.hidden_size = hidden_size;
    config.num_hidden_layers = 0;  // so that the embedding and a norm of hidden_size are all
    // The vocabulary of the file is not needed here.
    config.vocab_size = vocab_size;
    io::GgufMetadata metadata = ModelMetadata("m", config, tokenizer, io::FindGgufOuttype("f32"));
    return std::string(Write(metadata).Required<std::string_view>("general.size_label"));
  };
  // gguf.size_label(n, 0, 0, 0)
  EXPECT_EQ(label(300, 48), "14K");         // 14,448
  EXPECT_EQ(label(300, 4), "1.2K");         // 1,204
  EXPECT_EQ(label(262'144, 1024), "268M");  // 268,436,480
  EXPECT_EQ(label(262'144, 4096), "1.1B");  // 1,073,745,920
}

TEST(RefuseWhatLlamaCppLacks, NamesWhatItIs) {
  EXPECT_NO_THROW(RefuseWhatLlamaCppLacks(Config(), "m"));
  const auto fault = [](auto change) {
    Gemma3TextConfig config = Config();
    change(config);
    return test::MessageOf([&] { RefuseWhatLlamaCppLacks(config, "m"); });
  };
  EXPECT_EQ(fault([](auto& c) { c.query_pre_attn_scalar = 10; }),
            "m: 'query_pre_attn_scalar' is 10, not 16, which a GGUF file cannot say: llama.cpp would compute "
            "something else");
  EXPECT_THAT(fault([](auto& c) { c.local_rope.linear_factor = 2; }), HasSubstr("local layers are scaled"));
  EXPECT_THAT(fault([](auto& c) { c.layer_is_global[0] = true; }), HasSubstr("not every sixth"));
  EXPECT_THAT(fault([](auto& c) { c.layer_is_global[5] = false; }), HasSubstr("not every sixth"));

  Gemma3TextConfig large = Config();  // llama.cpp takes 62 layers for the 27B
  large.num_hidden_layers = 62;
  large.layer_is_global.clear();
  for (int i = 1; i <= 62; ++i) large.layer_is_global.push_back(i % 6 == 0);
  EXPECT_THAT(test::MessageOf([&] { RefuseWhatLlamaCppLacks(large, "m"); }), HasSubstr("is 16, not 12"));
  large.query_pre_attn_scalar = 12;
  EXPECT_NO_THROW(RefuseWhatLlamaCppLacks(large, "m"));
}

TEST_F(GgufMetadataTest, ALoraHasItsAlphaAlone) {
  const io::GgufFile file = Write(LoraMetadata("mine", 24));
  EXPECT_EQ(file.Required<std::string_view>("general.architecture"), "gemma3");
  EXPECT_EQ(file.Required<std::string_view>("general.type"), "adapter");
  EXPECT_EQ(file.Required<std::string_view>("adapter.type"), "lora");
  EXPECT_EQ(file.Required<float>("adapter.lora.alpha"), 24.0f);
}

}  // namespace
}  // namespace gemtune::model
