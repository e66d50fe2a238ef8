#include "gemtune/model/adapter_config.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

class AdapterConfigFile : public test::TempDir {
 protected:
  // What one of peft's adapters with this entry changed is refused with.
  std::string ComplaintOf(const std::string& entry, const Json& value) {
    Json config = Json::parse(ReadFile(test::GoldenDir("lora") / kAdapterConfigName));
    config[entry] = value;
    WriteFileAtomically(dir_ / kAdapterConfigName, config.dump());
    return test::MessageOf([&] { ReadAdapterConfig(dir_); });
  }
};

TEST_F(AdapterConfigFile, WhatPeftWroteIsUnderstood) {
  const LoraConfig rslora = ReadAdapterConfig(test::GoldenDir("rslora")).lora;
  EXPECT_EQ(rslora.r, 3);
  EXPECT_EQ(rslora.lora_alpha, 4);
  EXPECT_TRUE(rslora.use_rslora);
  EXPECT_THAT(rslora.target_modules, testing::UnorderedElementsAre("q_proj", "v_proj", "gate_proj"));
  EXPECT_THAT(rslora.modules_to_save, testing::Contains("model.norm"));
  const AdapterConfig dora = ReadAdapterConfig(test::GoldenDir("dora"));
  EXPECT_TRUE(dora.lora.use_dora);
  EXPECT_THAT(dora.lora.target_pattern, HasSubstr("(q|k|o|up|down)_proj"));
  EXPECT_EQ(dora.base_model_name_or_path, "tiny");
}

TEST_F(AdapterConfigFile, ABaseOnTheHubMayHaveARevision) {
  const auto written = [&](const std::string& base) {
    AdapterConfig config{.lora = {.target_modules = {"q_proj"}}, .base_model_name_or_path = base};
    WriteAdapterConfig(dir_, config);
    EXPECT_EQ(ReadAdapterConfig(dir_).base_model_name_or_path, base);
    const Json json = Json::parse(ReadFile(dir_ / kAdapterConfigName));
    return std::pair(json["base_model_name_or_path"], json["revision"]);
  };
  EXPECT_EQ(written("google/gemma-3-270m"), std::pair(Json("google/gemma-3-270m"), Json()));
  EXPECT_EQ(written("google/gemma-3-270m@v1"), std::pair(Json("google/gemma-3-270m"), Json("v1")));
  EXPECT_EQ(written("/models/a@b"), std::pair(Json("/models/a@b"), Json()));
  Json json = Json::parse(ReadFile(dir_ / kAdapterConfigName));
  json["revision"] = "main";  // of a path, where peft has no use for it
  WriteFileAtomically(dir_ / kAdapterConfigName, json.dump());
  EXPECT_EQ(ReadAdapterConfig(dir_).base_model_name_or_path, "/models/a@b");
}

TEST_F(AdapterConfigFile, WhichModulesAndOfWhatRankIsRead) {
  Json config = Json::parse(ReadFile(test::GoldenDir("lora") / kAdapterConfigName));
  config.update(Json::parse(R"({"bias": "all", "fan_in_fan_out": true, "exclude_modules": ".*\\.0\\..*",
    "layers_to_transform": 3, "layers_pattern": "layers", "rank_pattern": {"z": 2, "a": 4},
    "alpha_pattern": {"q": 0.5}})"));
  WriteFileAtomically(dir_ / kAdapterConfigName, config.dump());
  LoraConfig lora = ReadAdapterConfig(dir_).lora;
  EXPECT_EQ(lora.exclude_pattern, R"(.*\.0\..*)");
  EXPECT_THAT(lora.layers_to_transform, testing::ElementsAre(3));
  EXPECT_THAT(lora.layers_pattern, testing::ElementsAre("layers"));
  EXPECT_THAT(lora.rank_pattern, testing::ElementsAre(testing::Pair("z", 2), testing::Pair("a", 4)));
  EXPECT_THAT(lora.alpha_pattern, testing::ElementsAre(testing::Pair("q", 0.5)));
  config.update(
      Json::parse(R"({"bias": "lora_only", "exclude_modules": ["q_proj"], "layers_to_transform": [0, 2],
    "layers_pattern": ["a", "b"], "rank_pattern": null, "alpha_pattern": {}})"));
  WriteFileAtomically(dir_ / kAdapterConfigName, config.dump());
  lora = ReadAdapterConfig(dir_).lora;
  EXPECT_THAT(lora.exclude_modules, testing::ElementsAre("q_proj"));
  EXPECT_EQ(lora.exclude_pattern, "");
  EXPECT_THAT(lora.layers_to_transform, testing::ElementsAre(0, 2));
  EXPECT_THAT(lora.layers_pattern, testing::ElementsAre("a", "b"));
  EXPECT_TRUE(lora.rank_pattern.empty() && lora.alpha_pattern.empty());
}

TEST_F(AdapterConfigFile, SettingsThatWouldBeComputedOtherwiseAreErrors) {
  EXPECT_THAT(ComplaintOf("task_type", "SEQ_2_SEQ_LM"),
              testing::AllOf(HasSubstr("'task_type' is \"SEQ_2_SEQ_LM\""), HasSubstr("CAUSAL_LM")));
  EXPECT_THAT(ComplaintOf("bias", "some"), HasSubstr("'bias' is \"some\""));
  for (const auto& [entry, value] : {std::pair<const char*, Json>{"lora_bias", true},
                                     {"layer_replication", Json{Json{0, 2}}},
                                     {"peft_type", "PREFIX_TUNING"}}) {
    EXPECT_THAT(ComplaintOf(entry, value), testing::AllOf(HasSubstr(fmt::format("'{}' is", entry)),
                                                          HasSubstr("train the adapter again")));
  }
  for (const auto& [entry, value] : {std::pair<const char*, Json>{"peft_type", "IA3"},
                                     {"target_parameters", {"experts.gate_up_proj"}},
                                     {"trainable_token_indices", Json{1}},
                                     {"a_future_setting", 3}}) {
    const std::string complaint = ComplaintOf(entry, value);
    EXPECT_THAT(complaint, HasSubstr(fmt::format("'{}' is", entry)));
    EXPECT_THAT(complaint, HasSubstr("from_pretrained(\"" + dir_.string() + "\", num_labels="));
  }
  EXPECT_THAT(ComplaintOf("init_lora_weights", "pissa"), HasSubstr("plain LoRA"));
  EXPECT_THAT(ComplaintOf("r", 0), HasSubstr("'r'"));
  EXPECT_THAT(ComplaintOf("r", 2.5), HasSubstr("'r'"));
  EXPECT_THAT(ComplaintOf("r", "8"), HasSubstr("'r'"));
  for (const char* entry : {"rank_pattern", "alpha_pattern"}) {
    const std::string quoted = fmt::format("'{}'", entry);
    EXPECT_THAT(ComplaintOf(entry, Json{"q_proj"}), HasSubstr(quoted + " is not an object"));
    EXPECT_THAT(ComplaintOf(entry, {{"q_proj", "8"}}), HasSubstr(quoted + ": 'q_proj' is not a number"));
    EXPECT_THAT(ComplaintOf(entry, {{"q_proj(", 8}}), HasSubstr(quoted + " 'q_proj(' is not a regular"));
  }
  EXPECT_THAT(ComplaintOf("rank_pattern", {{"q_proj", 0}}), HasSubstr("'q_proj' is not a number between 1"));
  EXPECT_THAT(ComplaintOf("rank_pattern", {{"q_proj", 1.5}}), HasSubstr("'q_proj' is not a whole number"));
  Json many = Json::object();
  for (int i = 0; i < 2001; ++i) many[std::to_string(i)] = 1;
  EXPECT_THAT(ComplaintOf("rank_pattern", many), HasSubstr("more than 2000 entries"));
  EXPECT_THAT(ComplaintOf("layers_to_transform", "all"), HasSubstr("'layers_to_transform' is not a number"));
  EXPECT_THAT(ComplaintOf("layers_to_transform", Json{0, 1.5}), HasSubstr("is not a whole number"));
  EXPECT_THAT(ComplaintOf("layers_pattern", 3), HasSubstr("'layers_pattern' is not a list of names"));
  EXPECT_THAT(ComplaintOf("exclude_modules", "(?<=x+)y"), HasSubstr("'exclude_modules' '(?<=x+)y'"));
  EXPECT_THAT(ComplaintOf("use_dora", "yes"), HasSubstr("'use_dora'"));
  EXPECT_THAT(ComplaintOf("target_modules", Json::array()), HasSubstr("'target_modules'"));
  EXPECT_THAT(ComplaintOf("target_modules", Json{1, 2}), HasSubstr("'target_modules'"));
  WriteFileAtomically(dir_ / "adapter_config.json", "[]");
  EXPECT_THAT(test::MessageOf([&] { ReadAdapterConfig(dir_); }), HasSubstr("not a JSON object"));
}

TEST_F(AdapterConfigFile, AnHostilePatternOfTargetsIsAnError) {
  EXPECT_THAT(ComplaintOf("target_modules", std::string(3000, '(')),
              HasSubstr("adapter_config.json: 'target_modules' '((("));
}

}  // namespace
}  // namespace gemtune::model
