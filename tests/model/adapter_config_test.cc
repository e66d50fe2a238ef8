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

TEST_F(AdapterConfigFile, SettingsThatWouldBeComputedOtherwiseAreErrors) {
  EXPECT_THAT(ComplaintOf("peft_type", "IA3"), HasSubstr("'peft_type' is \"IA3\"; gemtune reads LORA only"));
  EXPECT_THAT(ComplaintOf("task_type", "CAUSAL_LM"), HasSubstr("'task_type'"));
  EXPECT_THAT(ComplaintOf("bias", "all"), HasSubstr("'bias' is \"all\""));
  for (const auto& [entry, value] : {std::pair<const char*, Json>{"layers_to_transform", Json{0, 1}},
                                     {"rank_pattern", {{"q_proj", 4}}},
                                     {"alpha_pattern", {{"q_proj", 4}}},
                                     {"fan_in_fan_out", true},
                                     {"lora_bias", true},
                                     {"exclude_modules", {"q_proj"}},
                                     {"trainable_token_indices", Json{1}},
                                     {"a_future_setting", 3}}) {
    EXPECT_THAT(ComplaintOf(entry, value), HasSubstr(fmt::format("'{}' is", entry)));
  }
  EXPECT_THAT(ComplaintOf("init_lora_weights", "pissa"), HasSubstr("plain LoRA"));
  EXPECT_THAT(ComplaintOf("r", 0), HasSubstr("'r'"));
  EXPECT_THAT(ComplaintOf("r", 2.5), HasSubstr("'r'"));
  EXPECT_THAT(ComplaintOf("r", "8"), HasSubstr("'r'"));
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
