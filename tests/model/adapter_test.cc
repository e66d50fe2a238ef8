#include "gemtune/model/adapter.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/model/pretrained.h"
#include "tests/support/gradcheck.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

class Adapter : public test::TempDir {
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
      ReadAdapterWeights(dir_, *classifier);
    });
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

TEST_F(Adapter, IsWrittenAsPeftWritesIt) {
  for (const char* name : {"lora", "rslora", "dora"}) {
    WriteAdapter(dir_, *test::TinyAdapted(name), ReadAdapterConfig(test::GoldenDir(name)));
    const auto ours = io::SafetensorsFile::Open(dir_ / "adapter_model.safetensors"),
               peft = io::SafetensorsFile::Open(test::GoldenDir(name) / "adapter_model.safetensors");
    ASSERT_EQ(ours.tensors().size(), peft.tensors().size());
    for (const auto& [key, view] : peft.tensors()) {
      ASSERT_TRUE(ours.tensors().contains(key)) << key;
      const io::TensorView& mine = ours.tensors().at(key);
      EXPECT_EQ(mine.shape, view.shape) << key;
      EXPECT_TRUE(std::equal(mine.data.begin(), mine.data.end(), view.data.begin(), view.data.end())) << key;
    }
    const Json expected = Json::parse(ReadFile(test::GoldenDir(name) / "adapter_config.json"));
    const Json written = Config();
    for (const auto& [key, value] : written.items()) {
      if (key == "target_modules" && value.is_array()) continue;  // peft keeps a set: in any order
      EXPECT_EQ(value, expected[key]) << key;
    }
  }
}

TEST_F(Adapter, WeightsThatDoNotFitAreErrorsThatNameTheTensor) {
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
  EXPECT_THAT(test::MessageOf([&] { AdapterOutputs(dir_); }), HasSubstr("has no adapter_model.safetensors"));
}

TEST_F(Adapter, ARankIsHeldToTheTensorsBeforeAnythingIsAllocated) {
  test::WriteTinyModel(dir_ / "base");
  Copy("lora");
  Json config = Config();
  config["r"] = 1 << 20;
  Write(config);
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_, at::kFloat, dir_ / "base"); }),
              HasSubstr("the configuration and the base model ask for [1048576, "));
}

TEST_F(Adapter, AMissingHeadIsAnError) {
  EXPECT_EQ(AdapterOutputs(test::GoldenDir("dora")), 3);
  Copy("lora");
  Exchange("base_model.model.score.weight", "");
  EXPECT_THAT(test::MessageOf([&] { AdapterOutputs(dir_); }), HasSubstr("head was not saved"));
  EXPECT_THAT(ComplaintOfWeights(), HasSubstr("'base_model.model.score.weight' is missing"));
}

}  // namespace
}  // namespace gemtune::model
