#include "gemtune/io/quantised.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"

namespace gemtune::io {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

// A model of one plain tensor and another.
std::string KindOf(const std::string& tensor, const std::string& stored_type = "F32",
                   const Json& config = Json::object()) {
  return QuantisedBy(config, std::vector<TensorInfo>{{.name = "model.norm.weight", .stored_type = "BF16"},
                                                     {.name = tensor, .stored_type = stored_type}});
}

TEST(Quantised, IsToldByTheTensors) {
  const std::string weight = "model.layers.0.mlp.up_proj.weight", module = "model.layers.0.mlp.up_proj";
  EXPECT_EQ(KindOf(weight), "");
  EXPECT_EQ(KindOf("model.ids", "I64"), "");
  EXPECT_EQ(KindOf(weight + ".absmax"), "bitsandbytes");
  EXPECT_EQ(KindOf(module + ".SCB"), "bitsandbytes");
  EXPECT_EQ(KindOf(module + ".g_idx", "I32"), "GPTQ");
  EXPECT_EQ(KindOf(module + ".qweight", "I32"), "GPTQ or AWQ");
  EXPECT_EQ(KindOf(module + ".weight_packed", "I32"), "compressed-tensors");
  EXPECT_EQ(KindOf(module + ".weight_scale"), "fp8 or compressed-tensors");
  EXPECT_EQ(KindOf(weight, "U8"), "8 bits");
  EXPECT_EQ(KindOf(weight, "F8_E4M3"), "fp8");
}

TEST(Quantised, TheConfigurationGivesTheNameAndNotTheFact) {
  const Json awq = {{"quantization_config", {{"quant_method", "awq"}}}};
  const Json nested = {{"model_type", "gemma3"}, {"text_config", awq}};
  EXPECT_EQ(KindOf("m.qweight", "I32", awq), "awq");
  EXPECT_EQ(KindOf("m.qweight", "I32", nested), "awq");
  EXPECT_EQ(KindOf("m.qweight", "I32", {{"quantization_config", {{"load_in_4bit", true}}}}), "GPTQ or AWQ");
  // What transformers made of a GGUF, or merged, still says so.
  EXPECT_EQ(KindOf("m.weight", "F32", {{"quantization_config", {{"quant_method", "gguf"}}}}), "");
}

TEST(Quantised, TheNameOfTheModelThatItWasMadeFrom) {
  EXPECT_EQ(UnquantisedName("unsloth/gemma-3-1b-it-unsloth-bnb-4bit"), "unsloth/gemma-3-1b-it");
  EXPECT_EQ(UnquantisedName("unsloth/gemma-3-4b-pt-bnb-4bit/"), "unsloth/gemma-3-4b-pt");
  EXPECT_EQ(UnquantisedName("x/Gemma-3-12B-it-GPTQ-Int4"), "x/Gemma-3-12B-it");
  EXPECT_EQ(UnquantisedName("x/gemma-3-27b-it-FP8-dynamic"), "x/gemma-3-27b-it");
  EXPECT_EQ(UnquantisedName("google/gemma-3-4b-it"), "");
  EXPECT_EQ(UnquantisedName("-awq"), "");
  EXPECT_EQ(UnquantisedName(""), "");
}

TEST(Quantised, IsRefusedWithTheModelToTake) {
  const std::vector<TensorInfo> tensors = {{.name = "m.SCB", .stored_type = "F32"}};
  const auto fault = [&](const char* directory, const Json& config) {
    return test::MessageOf([&] { RefuseQuantised(directory, config, tensors); });
  };
  EXPECT_EQ(
      fault("d", Json::object()),
      "d: is quantised (bitsandbytes); take the unquantised model that it was made from (as the base of "
      "an adapter: by `base_model`)");
  EXPECT_THAT(fault("models/gemma-3-1b-it-bnb-8bit", Json::object()),
              HasSubstr("made from, gemma-3-1b-it, (as"));
  EXPECT_THAT(fault("d", {{"_name_or_path", "unsloth/gemma-3-1b-it-bnb-4bit"}}),
              HasSubstr("made from, unsloth/gemma-3-1b-it, (as"));
  EXPECT_NO_THROW(RefuseQuantised("d", Json::object(), {}));
}

}  // namespace
}  // namespace gemtune::io
