#include "gemtune/infer/generation_config.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::infer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class GenerationConfigTest : public test::TempDir {
 protected:
  GenerationConfigTest() { test::WriteTinyModel(dir_); }

  GenerationConfig Of(const std::string& generation, int64_t eos_of_config = -1) {
    model::PretrainedCausalLm model = model::PretrainedCausalLm::FromTrained(dir_);
    model.generation_config = nlohmann::ordered_json::parse(generation);
    if (eos_of_config >= 0) model.config_json["eos_token_id"] = eos_of_config;
    return GenerationConfig::Of(model);
  }
};

TEST_F(GenerationConfigTest, TakesWhatTheFileHas) {
  const GenerationConfig config = Of(
      R"({"do_sample": true, "top_k": 64, "top_p": 0.95, "temperature": null, "eos_token_id": [1, 106], "x": {}})");
  EXPECT_TRUE(config.sampling.do_sample);
  EXPECT_EQ(config.sampling.top_k, 64);
  EXPECT_EQ(config.sampling.top_p, 0.95);
  EXPECT_EQ(config.sampling.temperature, 1.0);
  EXPECT_THAT(config.eos_token_ids, ElementsAre(1, 106));
}

TEST_F(GenerationConfigTest, HasTransformersDefaults) {
  const GenerationConfig config = Of("null");
  EXPECT_FALSE(config.sampling.do_sample);
  EXPECT_EQ(config.sampling.top_k, 50);
  EXPECT_EQ(config.sampling.top_p, 1.0);
}

TEST_F(GenerationConfigTest, FindsTheEndInTheFirstPlaceThatNamesIt) {
  EXPECT_THAT(Of(R"({"eos_token_id": 7})", 5).eos_token_ids, ElementsAre(7));
  EXPECT_THAT(Of("{}", 5).eos_token_ids, ElementsAre(5));
  EXPECT_THAT(Of("null", 5).eos_token_ids, ElementsAre(5));
  const auto tokenizer = text::Tokenizer::Load(dir_);
  EXPECT_EQ(Of("null").eos_token_ids,
            std::vector<int32_t>(tokenizer.eos_id() >= 0 ? 1 : 0, tokenizer.eos_id()));
}

TEST_F(GenerationConfigTest, SaysWhatIsWrong) {
  EXPECT_THAT(test::MessageOf([&] { Of(R"({"top_k": "many"})"); }),
              HasSubstr("generation_config.json: 'top_k'"));
  EXPECT_THAT(test::MessageOf([&] { Of(R"({"do_sample": 1})"); }), HasSubstr("'do_sample' is 1"));
  EXPECT_THAT(test::MessageOf([&] { Of(R"({"top_p": 2.0})"); }), HasSubstr("`top_p` is 2"));
  EXPECT_THAT(test::MessageOf([&] { Of(R"({"eos_token_id": 100000})"); }), HasSubstr("ids in [0, 288)"));
  EXPECT_THAT(test::MessageOf([&] { Of("null", 300); }), HasSubstr("config.json: eos_token_id is 300"));
}

}  // namespace
}  // namespace gemtune::infer
