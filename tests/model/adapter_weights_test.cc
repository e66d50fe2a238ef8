#include "gemtune/model/adapter_weights.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/model/adapter.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

class AdapterWeightsTest : public test::TempDir {
 protected:
  // A copy of one of peft's adapters, to be damaged.
  void Copy(const std::string& name) {
    fs::copy(test::GoldenDir(name), dir_, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }

  Json Config() const { return Json::parse(ReadFile(dir_ / "adapter_config.json")); }
  void Write(const Json& config) const { WriteFileAtomically(dir_ / "adapter_config.json", config.dump()); }

  // What loading the directory as an adapter of the tiny model says.
  std::string ComplaintOfWeights() const {
    return test::MessageOf([&] {
      SequenceClassifier classifier = test::TinyClassifier();
      LoraConfig config = ReadAdapterConfig(dir_).lora;
      AttachLora(*classifier, config, 1);
      AdapterWeights::Open(dir_).ReadInto(*classifier);
    });
  }

  // adapter_model.safetensors as peft names it for a model of another layout, with what `more` adds.
  void Rename(const std::string& trunk_prefix, const std::vector<std::string>& more = {}) const {
    const auto file = io::SafetensorsFile::Open(test::GoldenDir("lora") / "adapter_model.safetensors");
    const std::string prefix = "base_model.model.", trunk = prefix + "model.";
    std::vector<io::NamedTensor> tensors;
    for (const auto& [name, view] : file.tensors()) {
      tensors.push_back(
          {name.starts_with(trunk) ? prefix + trunk_prefix + name.substr(trunk.size()) : name, view});
    }
    for (const std::string& name : more) tensors.push_back({prefix + name, file.tensors().begin()->second});
    io::WriteSafetensors(dir_ / "adapter_model.safetensors", tensors);
  }

  // adapter_model.safetensors without one tensor, and with another.
  void Exchange(const std::string& dropped, const std::string& added) const {
    const auto file = io::SafetensorsFile::Open(test::GoldenDir("lora") / "adapter_model.safetensors");
    std::vector<io::NamedTensor> tensors;
    for (const auto& [name, view] : file.tensors()) {
      if (name != dropped) tensors.push_back({name, view});
    }
    if (!added.empty()) tensors.push_back({added, file.tensors().begin()->second});
    io::WriteSafetensors(dir_ / "adapter_model.safetensors", tensors);
  }
};

TEST_F(AdapterWeightsTest, WeightsThatDoNotFitAreErrorsThatNameTheTensor) {
  Copy("lora");
  const std::string b = "base_model.model.model.layers.6.mlp.down_proj.lora_B.weight";
  Exchange(b, "");
  EXPECT_THAT(ComplaintOfWeights(), HasSubstr("'" + b + "' is missing"));
  Exchange("", "base_model.model.model.layers.7.mlp.up_proj.lora_A.weight");
  EXPECT_THAT(ComplaintOfWeights(), HasSubstr("layers.7.mlp.up_proj.lora_A.weight' belongs to no part"));
  Copy("lora");
  Json config = Config();
  config["r"] = 4;
  Write(config);
  EXPECT_THAT(ComplaintOfWeights(),
              HasSubstr("has shape [3, 16], the configuration and the base model ask for [4, 16]"));
  config["r"] = 3;
  config["target_modules"] = {"c_attn"};
  Write(config);
  EXPECT_THAT(ComplaintOfWeights(), HasSubstr("no module matches the target modules"));
  fs::remove(dir_ / "adapter_model.safetensors");
  EXPECT_THAT(ComplaintOfWeights(), HasSubstr("matches the target modules"));
  EXPECT_THAT(test::MessageOf([&] { AdapterWeights::Open(dir_).Contents(); }),
              HasSubstr("has no adapter_model.safetensors"));
}

TEST_F(AdapterWeightsTest, OfEveryLayoutIsReadAndAVisionTowersIsPassedOver) {
  const auto expected = test::TinyAdapted("lora")->named_parameters();
  for (const std::string trunk :
       {"model.", "model.language_model.", "language_model.model.", "language_model."}) {
    Copy("lora");
    Rename(trunk, {"model.vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.lora_A.weight",
                   "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.lora_B.weight",
                   "model.multi_modal_projector.mm_soft_emb_norm.weight"});
    const AdapterContents contents = AdapterWeights::Open(dir_).Contents();
    EXPECT_EQ(contents.outputs, 3);
    EXPECT_EQ(contents.trunk_prefix, trunk);
    EXPECT_FALSE(contents.has_embedding);
    SequenceClassifier classifier = test::TinyClassifier();
    LoraConfig config = ReadAdapterConfig(dir_).lora;
    AttachLora(*classifier, config, 1);
    AdapterWeights::Open(dir_).ReadInto(*classifier);
    for (const auto& item : classifier->named_parameters())
      EXPECT_TRUE(at::equal(item.value(), expected[item.key()])) << item.key();
  }
  Rename("model.language_model.", {"model.layers.0.self_attn.q_proj.lora_A.weight"});
  EXPECT_THAT(ComplaintOfWeights(),
              HasSubstr("holds 'base_model.model.model.layers.0.self_attn.q_proj.lora_A."
                        "weight' twice"));
}

TEST_F(AdapterWeightsTest, IsWrittenUnderTheNamesOfItsBasesLayout) {
  SequenceClassifier classifier = test::TinyOutline("model.language_model.");
  AdapterConfig config = ReadAdapterConfig(test::GoldenDir("lora"));
  config.lora.rank_pattern = {{"2.mlp.up_proj", 2}};
  config.lora.modules_to_save = {"model.norm"};
  AttachLora(*classifier, config.lora, 1);
  WriteAdapter(dir_, *classifier, config);
  const auto file = io::SafetensorsFile::Open(dir_ / "adapter_model.safetensors");
  EXPECT_EQ(file.tensors().size(), 7u * 7 * 2 + 2);
  for (const auto& [name, view] : file.tensors()) {
    EXPECT_TRUE(name.starts_with("base_model.model.model.language_model.") ||
                name == "base_model.model.score.weight")
        << name;
  }
  const std::string up = "model.language_model.layers.2.mlp.up_proj";
  EXPECT_EQ(file.tensors().at("base_model.model." + up + ".lora_A.weight").shape[0], 2);
  EXPECT_EQ(Config()["target_modules"].size(), 7u * 7);
  EXPECT_THAT(Config()["target_modules"], testing::Contains(up));
  EXPECT_EQ(Config()["rank_pattern"], (Json{{up, 2}}));
  EXPECT_EQ(Config()["modules_to_save"].dump(), R"(["model.language_model.norm","classifier","score"])");
}

TEST_F(AdapterWeightsTest, WhatIsKnownOfAdaptersThatCannotBeReadSaysTheCure) {
  Copy("lora");
  Rename("model.", {"model.embed_tokens.lora_embedding_A"});
  EXPECT_THAT(test::MessageOf([&] { AdapterWeights::Open(dir_).Contents(); }),
              testing::AllOf(HasSubstr("lora_embedding_A' adapts the token embedding"),
                             HasSubstr("merge_and_unload()")));
  fs::remove(dir_ / "adapter_model.safetensors");
  WriteFileAtomically(dir_ / "adapter_model.bin", "PK");
  EXPECT_THAT(test::MessageOf([&] { AdapterWeights::Open(dir_).Contents(); }),
              testing::AllOf(HasSubstr("has adapter_model.bin only"),
                             HasSubstr("torch.load(\"" + (dir_ / "adapter_model.bin").string() + "\"")));
}

TEST_F(AdapterWeightsTest, AMissingHeadIsAnError) {
  EXPECT_EQ(AdapterWeights::Open(test::GoldenDir("dora")).Contents().outputs, 3);
  Copy("lora");
  Exchange("base_model.model.score.weight", "");
  EXPECT_EQ(AdapterWeights::Open(dir_).Contents().outputs, 0);
  EXPECT_THAT(test::MessageOf([&] { AdapterWeights::Open(dir_).CheckHead(); }),
              HasSubstr("head was not saved"));
  EXPECT_THAT(ComplaintOfWeights(), HasSubstr("'base_model.model.score.weight' is missing"));
}

}  // namespace
}  // namespace gemtune::model
