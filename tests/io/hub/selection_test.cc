#include "gemtune/io/hub/selection.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"

namespace gemtune::io::hub {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Names = std::vector<std::string>;

const Names kModel = {".gitattributes",
                      "README.md",
                      "config.json",
                      "model-00001-of-00002.safetensors",
                      "model-00002-of-00002.safetensors",
                      "model.safetensors.index.json",
                      "onnx/model.safetensors",
                      "pytorch_model.bin",
                      "tokenizer.json",
                      "tokenizer.model",
                      "training_args.bin"};

std::string Refusal(const Names& listed, const Selection& selection = {}) {
  return test::MessageOf([&] { Select(listed, selection, "a/b"); });
}

TEST(Selection, WhatGemtuneReads) {
  EXPECT_THAT(Select(kModel, {}, ""),
              ElementsAre("README.md", "config.json", "model-00001-of-00002.safetensors",
                          "model-00002-of-00002.safetensors", "model.safetensors.index.json",
                          "tokenizer.json", "tokenizer.model"));
  EXPECT_THAT(Select({"adapter_config.json", "adapter_model.safetensors", "LICENSE.txt", "x.py"}, {}, ""),
              ElementsAre("LICENSE.txt", "adapter_config.json", "adapter_model.safetensors"));
  EXPECT_THAT(Select({"tokenizer.json"}, {}, ""), ElementsAre("tokenizer.json"));
}

TEST(Selection, GgufFiles) {
  EXPECT_THAT(Select({"x.gguf", "mmproj.gguf", "README.md"}, {}, ""), ElementsAre("README.md", "x.gguf"));
  EXPECT_THAT(Select({"x.gguf", "model.safetensors"}, {}, ""), ElementsAre("model.safetensors"));
  EXPECT_THAT(Refusal({"x.gguf", "y.gguf"}),
              HasSubstr("a/b: has several GGUF files ('x.gguf', 'y.gguf'); name the one"));
}

TEST(Selection, NamesAndGlobs) {
  EXPECT_THAT(Select(kModel, {.files = {"onnx/model.safetensors", "config.json", "config.json"}}, ""),
              ElementsAre("config.json", "onnx/model.safetensors"));
  EXPECT_THAT(Select(kModel, {.include = {"*model.safetensors"}}, ""), ElementsAre("onnx/model.safetensors"));
  EXPECT_THAT(Select(kModel, {.include = {"onnx/"}}, ""), ElementsAre("onnx/model.safetensors"));
  EXPECT_THAT(Select(kModel, {.include = {"*.json", "*.bin"}, .exclude = {"token*", "*.bin"}}, ""),
              ElementsAre("config.json", "model.safetensors.index.json"));
}

TEST(Selection, WhatIsNotThere) {
  EXPECT_THAT(Refusal(kModel, {.files = {"confg.json"}}),
              HasSubstr("no file 'confg.json' (did you mean 'config.json'?)"));
  EXPECT_THAT(Refusal(kModel, {.include = {"*.onnx"}}), HasSubstr("`include` matches none of its files"));
  EXPECT_THAT(Refusal(kModel, {.exclude = {"*"}}), HasSubstr("`exclude` leaves none"));
  EXPECT_THAT(Refusal({"config.json", "pytorch_model.bin"}), HasSubstr("no weights that gemtune reads"));
  EXPECT_THAT(Refusal({"x.py"}), HasSubstr("no file that gemtune reads"));
  EXPECT_THAT(Refusal({}), HasSubstr("no file that gemtune reads"));
}

TEST(Selection, HostileNamesAreRefusedWhereTheyAreWanted) {
  const Names listed = {"../x", "config.json"};
  EXPECT_THAT(Select(listed, {}, ""), ElementsAre("config.json"));
  EXPECT_THAT(Refusal(listed, {.include = {"*"}}), HasSubstr("'../x', which is no name for a file"));
}

}  // namespace
}  // namespace gemtune::io::hub
