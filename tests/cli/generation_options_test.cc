#include "gemtune/cli/generation_options.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class GenerationOptionsTest : public test::TempDir {
 protected:
  GenerationOptionsTest() { test::WriteTinyModel(dir_); }

  // What the arguments ask for, of a model with this generation_config.json.
  infer::GenerateOptions Resolve(std::vector<std::string> arguments, const std::string& generation = "null") {
    GenerationOptions generation_options;
    OptionSet options("gemtune generate", "");
    generation_options.DeclareModel(options);
    generation_options.Declare(options, 256);
    arguments.insert(arguments.end(), {"--model", dir_.string(), "--dtype", "fp32"});
    options.Parse(arguments);
    model::PretrainedCausalLm model = generation_options.Open();
    model.generation_config = nlohmann::ordered_json::parse(generation);
    return generation_options.Resolve(options, model);
  }
};

TEST_F(GenerationOptionsTest, WhatIsNotGivenIsTheModels) {
  const std::string config = R"({"do_sample": true, "top_k": 64, "top_p": 0.9})";
  const auto plain = Resolve({}, config).sampling;
  EXPECT_TRUE(plain.do_sample);
  EXPECT_EQ(plain.top_k, 64);
  const auto given = Resolve({"--top-p", "0.5", "--seed", "9", "--stop", "x", "--stop", "y z"}, config);
  EXPECT_EQ(given.sampling.top_p, 0.5);
  EXPECT_EQ(given.sampling.top_k, 64);
  EXPECT_EQ(given.sampling.seed, 9u);
  EXPECT_THAT(given.stops, ElementsAre("x", "y z"));
  EXPECT_EQ(given.max_new_tokens, 256);
}

TEST_F(GenerationOptionsTest, SamplingIsAskedForByItsOptions) {
  EXPECT_FALSE(Resolve({}).sampling.do_sample);
  EXPECT_FALSE(Resolve({"--repetition-penalty", "1.1"}).sampling.do_sample);
  EXPECT_TRUE(Resolve({"--do-sample"}).sampling.do_sample);
  EXPECT_TRUE(Resolve({"--temperature", "0.7"}).sampling.do_sample);
  EXPECT_TRUE(Resolve({"--min-p", "0.1"}).sampling.do_sample);
  EXPECT_FALSE(Resolve({"--top-k", "5", "--do-sample=false"}).sampling.do_sample);
  EXPECT_FALSE(Resolve({"--temperature", "0"}, R"({"do_sample": true})").sampling.do_sample);
}

TEST(EncodeTurns, EndsWithTheBeginningOfAnAnswer) {
  const std::filesystem::path golden = GEMTUNE_SOURCE_DIR "/tests/text/golden/tiny";
  const auto tokenizer = text::Tokenizer::Load(golden);
  const auto ids = EncodeTurns({{"system", "s"}, {"user", "hi"}}, tokenizer, "row");
  EXPECT_EQ(tokenizer.Decode(ids, /*skip_special_tokens=*/false),
            "<bos><start_of_turn>user\ns\n\nhi<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_THAT(test::MessageOf([&] {
                EncodeTurns({{"user", "a"}, {"assistant", "b"}}, tokenizer, "row");
              }),
              HasSubstr("row: turn 3 is of the assistant"));
  EXPECT_THAT(test::MessageOf([&] {
                EncodeTurns({{"tool", "a"}}, tokenizer, "row");
              }),
              HasSubstr("role 'tool'"));
}

}  // namespace
}  // namespace gemtune::cli
