#include "gemtune/model/adapter.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using Json = nlohmann::ordered_json;

class Adapter : public test::TempDir {};

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
    const Json written = Json::parse(ReadFile(dir_ / "adapter_config.json"));
    for (const auto& [key, value] : written.items()) {
      if (key == "target_modules" && value.is_array()) continue;  // peft keeps a set: in any order
      EXPECT_EQ(value, expected[key]) << key;
    }
  }
  EXPECT_TRUE(IsAdapter(dir_));
  EXPECT_FALSE(IsAdapter(test::GoldenDir()));
}

}  // namespace
}  // namespace gemtune::model
