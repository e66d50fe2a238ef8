#include "gemtune/model/base_blocks.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/model/weights.h"
#include "tests/support/gradcheck.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_classifier.h"
#include "tests/support/tiny_gguf.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using test::Logits;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

class BaseBlocks : public test::TempDir {
 protected:
  BaseBlocks() {
    test::WriteTinyModel(dir_ / "base");
    test::WriteTinyGguf(dir_ / "m.gguf");  // whose matrices have whole blocks a row
  }

  PretrainedClassifier Classifier(const LoadOptions& options, const char* of = "m.gguf") const {
    return test::Classifier(dir_ / of, options, dir_ / "base");
  }
};

// What a model on kept blocks computes: logits, and the gradients of what is trained after a step away from
// where B is zero.
std::vector<at::Tensor> Results(PretrainedClassifier& classifier) {
  at::manual_seed(5);
  test::MoveTrained(classifier);
  const at::Tensor ids = at::randint(4, 288, {150}, at::kLong);
  std::vector<at::Tensor> results = {classifier.model(ids, std::vector<int32_t>{0, 90, 150})};
  results[0].square().sum().backward();
  for (const at::Tensor& parameter : classifier.model->parameters()) {
    if (parameter.requires_grad()) results.push_back(parameter.grad());
  }
  return results;
}

TEST_F(BaseBlocks, KeptBlocksGiveWhatTheirNumbersGive) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const bool checkpointing : {false, true}) {
      const auto run = [&](BaseWeights base_weights) {
        PretrainedClassifier classifier = Classifier({.dtype = dtype, .base_weights = base_weights});
        classifier.AddAdapter({.r = 3, .lora_dropout = 0.1}, (dir_ / "m.gguf").string(), 1);
        classifier.model->trunk()->set_gradient_checkpointing(checkpointing);
        int64_t in_blocks = 0;
        for (const at::Tensor& p : classifier.model->parameters()) in_blocks += p.scalar_type() == at::kByte;
        EXPECT_EQ(in_blocks, base_weights == BaseWeights::kNumbers ? 0 : 1 + 2 * 7);
        return Results(classifier);
      };
      const auto expected = run(BaseWeights::kNumbers), actual = run(BaseWeights::kFileBlocks);
      ASSERT_EQ(actual.size(), expected.size());
      for (size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(at::equal(actual[i], expected[i])) << i;
      EXPECT_GT(actual[0].abs().max().item<double>(), 0.1);
    }
  }
}

TEST_F(BaseBlocks, AnAdapterTrainedOnKeptBlocksLoadsOnTheWholeModel) {
  for (const bool use_dora : {false, true}) {
    PretrainedClassifier classifier = Classifier({.base_weights = BaseWeights::kFileBlocks});
    classifier.AddAdapter({.r = 3, .use_dora = use_dora}, (dir_ / "m.gguf").string(), 1);
    Results(classifier);  // which moves what is trained
    classifier.Save(dir_ / "out");
    const Json config = Json::parse(ReadFile(dir_ / "out" / "adapter_config.json"));
    EXPECT_EQ(config["base_model_name_or_path"], (dir_ / "m.gguf").string());
    PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "out");
    EXPECT_LT(test::MaxDifference(Logits(classifier), Logits(loaded)), 1e-5);
  }
}

TEST_F(BaseBlocks, WeightsRoundedToBlocksGiveWhatTheirNumbersGive) {
  Classifier({}).Save(dir_ / "rounded");
  const auto load = [&](at::ScalarType dtype, BaseWeights base_weights) {
    return Classifier({.dtype = dtype, .base_weights = base_weights}, "rounded");
  };
  // The directory itself is given the rounded numbers.
  PretrainedClassifier whole = load(at::kFloat, BaseWeights::kNumbers);
  const PretrainedClassifier blocks = load(at::kFloat, BaseWeights::kQ8_0);
  int64_t rounded = 0;
  for (const auto& item : whole.model->named_parameters()) {
    const at::Tensor held = blocks.model->named_parameters()[item.key()];
    EXPECT_EQ(held.scalar_type() == at::kByte,
              item.key().find("norm") == item.key().npos && item.key() != "score.weight")
        << item.key();
    if (held.scalar_type() != at::kByte) continue;
    ++rounded;
    EXPECT_EQ(held.size(1), item.value().size(1) / 32 * 34);
    const at::Tensor numbers = ops::Expand({{held, ops::BlockType::kQ8_0}}, at::kFloat);
    const at::Tensor largest = item.value().abs().view({-1, 32}).amax(1, true);
    const at::Tensor error = (numbers - item.value()).abs().view({-1, 32});
    EXPECT_TRUE((error <= largest * (0.5 / 127 + 0x1p-11 + 1e-6) + 127 * 0x1p-25).all().item<bool>())
        << item.key();
    EXPECT_GT(error.max().item<double>(), 0.0);
    item.value().set_data(numbers);
  }
  EXPECT_EQ(rounded, 1 + 2 * 7);
  whole.Save(dir_ / "rounded");
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const auto run = [&](PretrainedClassifier classifier) {
      classifier.AddAdapter({.r = 3, .lora_dropout = 0.1}, "", 1);
      return Results(classifier);
    };
    // Their rounding is exact, but for the last bit of a scale.
    const auto expected = run(load(dtype, BaseWeights::kNumbers));
    const auto actual = run(load(dtype, BaseWeights::kQ8_0));
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) EXPECT_TRUE(at::equal(actual[i], expected[i])) << i;
  }
}

TEST_F(BaseBlocks, WhatIsTrainedWholeCannotStayInBlocks) {
  for (const BaseWeights base_weights : {BaseWeights::kFileBlocks, BaseWeights::kQ8_0}) {
    PretrainedClassifier classifier = Classifier({.base_weights = base_weights});
    EXPECT_THAT(
        test::MessageOf([&] { classifier.AddAdapter({.modules_to_save = {"embed_tokens"}}, "m.gguf", 1); }),
        HasSubstr("`modules_to_save`: 'model.embed_tokens' would be trained whole, but `base_dtype`"));
    EXPECT_NO_THROW(classifier.AddAdapter({.modules_to_save = {"norm"}}, "m.gguf", 1));
  }
}

TEST_F(BaseBlocks, AnOutlineTellsWhatCannotBeHeldInBlocks) {
  const auto check = [&](const char* path, BaseWeights base_weights, const LoraConfig& lora) {
    CheckTargets(*Outline(ModelSource::Open(dir_ / path), 1, {.base_weights = base_weights}), lora);
  };
  EXPECT_NO_THROW(check("base", BaseWeights::kNumbers, {.modules_to_save = {"embed_tokens"}}));
  EXPECT_THAT(test::MessageOf([&] { check("base", BaseWeights::kFileBlocks, {}); }),
              HasSubstr("base is not a GGUF file"));
  EXPECT_THAT(test::MessageOf([&] { check("base", BaseWeights::kQ8_0, {}); }),
              HasSubstr("the rows of 'model.embed_tokens.weight' have 16 numbers"));
  for (const BaseWeights base_weights : {BaseWeights::kFileBlocks, BaseWeights::kQ8_0}) {
    EXPECT_NO_THROW(check("m.gguf", base_weights, {.modules_to_save = {"norm"}}));
    EXPECT_THAT(test::MessageOf([&] { check("m.gguf", base_weights, {.modules_to_save = {"mlp"}}); }),
                HasSubstr("'model.layers.0.mlp' would be trained whole"));
  }
}

}  // namespace
}  // namespace gemtune::model
