#include "gemtune/model/config.h"

#include <gmock/gmock.h>

#include "gemtune/base/error.h"

namespace gemtune::model {
namespace {

using Json = nlohmann::ordered_json;

Json Small() {
  return Json::parse(
      R"({"model_type": "gemma3_text", "vocab_size": 100, "hidden_size": 16, "intermediate_size": 32,
    "num_hidden_layers": 7, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 8,
    "query_pre_attn_scalar": 12})");
}

std::string Complaint(const Json& config) {
  try {
    Gemma3TextConfig::FromJson(config, "config.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Config, ReadsFieldsAndDefaultsTheRest) {
  const auto config = Gemma3TextConfig::FromJson(Small(), "config.json");
  EXPECT_EQ(config.vocab_size, 100);
  EXPECT_EQ(config.num_key_value_heads, 2);
  EXPECT_EQ(config.query_pre_attn_scalar, 12);
  EXPECT_EQ(config.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.local_rope.theta, 1e4);
  EXPECT_EQ(config.global_rope.theta, 1e6);
  EXPECT_EQ(config.layer_is_global, (std::vector<bool>{false, false, false, false, false, true, false}));
}

TEST(Config, ReadsTheRotaryParametersOfBothFormats) {
  Json old = Small();
  old["rope_theta"] = 5e5;
  old["rope_local_base_freq"] = 2e4;
  old["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 8.0}};
  Json now = Small();
  now["rope_parameters"] = {
      {"full_attention", {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", 5e5}}},
      {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 2e4}}}};
  for (const Json& json : {old, now}) {
    const auto config = Gemma3TextConfig::FromJson(json, "config.json");
    EXPECT_EQ(config.global_rope.theta, 5e5);
    EXPECT_EQ(config.global_rope.linear_factor, 8.0);
    EXPECT_EQ(config.local_rope.theta, 2e4);
    EXPECT_EQ(config.local_rope.linear_factor, 1.0);
  }
}

TEST(Config, ReadsTheLayerPatternOfBothFormats) {
  Json old = Small();
  old["sliding_window_pattern"] = 2;
  EXPECT_EQ(Gemma3TextConfig::FromJson(old, "c").layer_is_global,
            (std::vector<bool>{false, true, false, true, false, true, false}));
  Json now = Small();
  now["layer_types"] = std::vector<std::string>(7, "full_attention");
  now["layer_types"][2] = "sliding_attention";
  EXPECT_EQ(Gemma3TextConfig::FromJson(now, "c").layer_is_global,
            (std::vector<bool>{true, true, false, true, true, true, true}));
}

TEST(Config, ReadsTheTextPartOfTheMultimodalLayout) {
  Json text = Small();
  text.erase("model_type");
  const Json config = {{"model_type", "gemma3"}, {"text_config", text}, {"vision_config", Json::object()}};
  EXPECT_EQ(Gemma3TextConfig::FromJson(config, "c").hidden_size, 16);
  EXPECT_EQ(Gemma3TextConfig::FromJson(config, "c").trunk_prefix, "model.language_model.");
  EXPECT_EQ(Gemma3TextConfig::FromJson(Small(), "c").trunk_prefix, "model.");
}

TEST(Config, NamesTheFieldAtFault) {
  const auto with = [](const char* name, const Json& value) {
    Json config = Small();
    config[name] = value;
    return Complaint(config);
  };
  EXPECT_EQ(with("model_type", "llama"),
            "config.json: 'model_type' is 'llama'; gemtune trains gemma3_text and the text part of gemma3");
  EXPECT_EQ(with("hidden_size", "wide"), "config.json: 'hidden_size' is not an integer");
  EXPECT_EQ(with("hidden_size", -1), "config.json: 'hidden_size' is -1, outside [1, 131072]");
  EXPECT_EQ(with("rms_norm_eps", 0), "config.json: 'rms_norm_eps' is 0, outside [1e-12, 0.1]");
  EXPECT_EQ(with("num_key_value_heads", 3),
            "config.json: 'num_attention_heads' is not a multiple of 'num_key_value_heads'");
  EXPECT_EQ(with("head_dim", 7), "config.json: 'head_dim' is odd; rotary embedding needs pairs");
  EXPECT_THAT(with("layer_types", Json::array({"full_attention"})), testing::HasSubstr("one entry a layer"));
  EXPECT_THAT(with("layer_types", Json(std::vector<int>(7, 1))),
              testing::HasSubstr("'layer_types' holds '1'"));
  EXPECT_THAT(with("attn_logit_softcapping", 50.0), testing::HasSubstr("attn_logit_softcapping"));
  EXPECT_THAT(with("attention_bias", true), testing::HasSubstr("attention_bias"));
  EXPECT_THAT(with("use_bidirectional_attention", true), testing::HasSubstr("use_bidirectional_attention"));
  EXPECT_THAT(with("hidden_activation", "silu"), testing::HasSubstr("only gelu_pytorch_tanh"));
  EXPECT_THAT(with("rope_scaling", {{"rope_type", "yarn"}}),
              testing::HasSubstr("Gemma 3 knows default and linear"));
  EXPECT_THAT(with("rope_scaling", {{"rope_type", "linear"}}), testing::HasSubstr("'factor' is missing"));
  EXPECT_THAT(with("rope_parameters", 3), testing::HasSubstr("rope_parameters: not a JSON object"));
  EXPECT_THAT(with("pad_token_id", 100), testing::HasSubstr("pad_token_id"));
  EXPECT_EQ(Complaint(Json::array()), "config.json: not a JSON object");
  EXPECT_EQ(Complaint({{"model_type", "gemma3"}}), "config.json: 'text_config' is missing");
}

// The dimensions of the published config.json files, and the parameters that transformers counts of them:
// sum(p.numel() for p in Gemma3TextModel(config).parameters()).
TEST(FindVariant, KnowsThePublishedSizes) {
  struct Published {
    const char* name;
    int64_t vocab_size, hidden_size, intermediate_size, layers, heads, key_value_heads, head_dim, parameters;
  };
  for (const Published& p : {Published{"270m", 262'144, 640, 2048, 18, 4, 1, 256, 268'098'176},
                             Published{"1b", 262'144, 1152, 6912, 26, 4, 1, 256, 999'885'952},
                             Published{"4b", 262'208, 2560, 10'240, 34, 8, 4, 256, 3'880'263'168},
                             Published{"12b", 262'208, 3840, 15'360, 48, 16, 8, 256, 11'766'034'176},
                             Published{"27b", 262'208, 5376, 21'504, 62, 32, 16, 128, 27'009'346'304}}) {
    Gemma3TextConfig config;
    config.vocab_size = p.vocab_size;
    config.hidden_size = p.hidden_size;
    config.intermediate_size = p.intermediate_size;
    config.num_hidden_layers = p.layers;
    config.num_attention_heads = p.heads;
    config.num_key_value_heads = p.key_value_heads;
    config.head_dim = p.head_dim;
    ASSERT_NE(FindVariant(config), nullptr) << p.name;
    EXPECT_EQ(FindVariant(config)->name, p.name);
    EXPECT_EQ(p.vocab_size * p.hidden_size + config.num_layer_parameters(), p.parameters) << p.name;
    ++config.hidden_size;
    EXPECT_EQ(FindVariant(config), nullptr);
  }
}

}  // namespace
}  // namespace gemtune::model
