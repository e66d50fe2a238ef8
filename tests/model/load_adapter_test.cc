#include "gemtune/model/load_adapter.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "gemtune/model/adapter_weights.h"
#include "tests/support/gradcheck.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_classifier.h"
#include "tests/support/tiny_gguf.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using test::Logits;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

class LoadAdapterTest : public test::TempDir {
 protected:
  LoadAdapterTest() { test::WriteTinyModel(dir_ / "base"); }

  // The adapter in dir_ / "adapter" names another base from now on.
  void NameBase(const std::string& name) const {
    const fs::path path = dir_ / "adapter" / kAdapterConfigName;
    Json config = Json::parse(ReadFile(path));
    config["base_model_name_or_path"] = name;
    WriteFileAtomically(path, config.dump());
  }
};

// An adapter that has left its start, of `base`, in dir_ / "adapter"; returns its logits.
at::Tensor SaveAdapter(const fs::path& base, const fs::path& adapter, const LoraConfig& config) {
  PretrainedClassifier classifier = test::Classifier(base);
  classifier.AddAdapter(config, base.string(), 1);
  test::MoveTrained(classifier);
  classifier.Save(adapter);
  return Logits(classifier);
}

TEST_F(LoadAdapterTest, AnAdaptersBaseAndLabelsAreLookedForWhereTheyMayBe) {
  PretrainedClassifier classifier = test::Classifier(dir_ / "base");
  classifier.AddAdapter({}, (dir_ / "base").string(), 1);
  classifier.Save(dir_ / "out");
  fs::remove(dir_ / "out" / "classifier.json");  // as peft saves it
  EXPECT_EQ(PretrainedClassifier::FromTrained(dir_ / "out").head.label_names,
            (std::vector<std::string>{"LABEL_0", "LABEL_1"}));
  fs::rename(dir_ / "base", dir_ / "moved");
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "out"); }),
              HasSubstr("name it with `base_model`"));
  Json config = Json::parse(ReadFile(dir_ / "moved" / "config.json"));
  config["id2label"] = {{"0", "a"}, {"1", "b"}};
  WriteFileAtomically(dir_ / "moved" / "config.json", config.dump());
  EXPECT_EQ(PretrainedClassifier::FromTrained(dir_ / "out", {}, dir_ / "moved").head.label_names,
            (std::vector<std::string>{"a", "b"}));
  WriteFileAtomically(dir_ / "out" / "classifier.json", R"({"id2label": {"0": "a"}})");
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "out", {}, dir_ / "moved"); }),
              HasSubstr("does not name the head's 2 outputs"));
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "moved", {}, dir_ / "out"); }),
              HasSubstr("is not an adapter"));
}

TEST_F(LoadAdapterTest, AnAdapterGoesOnItsBaseInAnyLayout) {
  fs::copy(dir_ / "base", dir_ / "multimodal");
  test::MakeMultimodal(dir_ / "multimodal");
  const LoraConfig config{.r = 3,
                          .target_modules = {"q_proj", "layers.1.mlp.up_proj"},
                          .rank_pattern = {{"up_proj", 2}},
                          .alpha_pattern = {{"q_proj", 5}},
                          .modules_to_save = {"norm"}};
  for (const char* trained_on : {"base", "multimodal"}) {
    const at::Tensor expected = SaveAdapter(dir_ / trained_on, dir_ / "adapter", config);
    for (const char* loaded_on : {"base", "multimodal"}) {
      PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "adapter", {}, dir_ / loaded_on);
      EXPECT_EQ(test::MaxDifference(Logits(loaded), expected), 0.0) << trained_on << loaded_on;
      // Saved again, it is one of the base that it lies on.
      loaded.Save(dir_ / "again");
      EXPECT_EQ(AdapterWeights::Open(dir_ / "again").Contents().trunk_prefix, loaded.config.trunk_prefix);
      PretrainedClassifier again = PretrainedClassifier::FromTrained(dir_ / "again");
      EXPECT_EQ(test::MaxDifference(Logits(again), expected), 0.0) << trained_on << loaded_on;
      loaded.MergeAdapter();
      loaded.Save(dir_ / "merged");
      PretrainedClassifier merged = PretrainedClassifier::FromTrained(dir_ / "merged");
      EXPECT_LT(test::MaxDifference(Logits(merged), expected), 1e-5) << trained_on << loaded_on;
    }
  }
}

// peft's save_embedding_layers: the configuration does not tell of it.
TEST_F(LoadAdapterTest, AnEmbeddingSavedWithAnAdapterTakesTheBasesPlace) {
  const at::Tensor expected =
      SaveAdapter(dir_ / "base", dir_ / "adapter", {.r = 3, .modules_to_save = {"embed_tokens"}});
  const fs::path path = dir_ / "adapter" / kAdapterConfigName;
  Json config = Json::parse(ReadFile(path));
  config["modules_to_save"] = {"classifier", "score"};
  WriteFileAtomically(path, config.dump());
  PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "adapter");
  EXPECT_EQ(test::MaxDifference(Logits(loaded), expected), 0.0);
  loaded.Save(dir_ / "again");
  PretrainedClassifier again = PretrainedClassifier::FromTrained(dir_ / "again");
  EXPECT_EQ(test::MaxDifference(Logits(again), expected), 0.0);

  Json base = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  base["vocab_size"] = 289;
  WriteFileAtomically(dir_ / "base" / "config.json", base.dump());
  test::RewriteTinyModel(dir_ / "base", {{"model.embed_tokens.weight", {289, 16}}});
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "adapter"); }),
              testing::AllOf(HasSubstr("(save_embedding_layers or modules_to_save), is an embedding of 288 "
                                       "tokens, that of the base model has 289"),
                             HasSubstr("resize_token_embeddings")));
}

TEST_F(LoadAdapterTest, AQuantisedBaseOfAnAdapterSaysWhichToTake) {
  SaveAdapter(dir_ / "base", dir_ / "adapter", {});
  NameBase("unsloth/gemma-3-1b-it-unsloth-bnb-4bit");
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "adapter"); }),
              testing::AllOf(HasSubstr("is quantised; name 'unsloth/gemma-3-1b-it', which it was made from"),
                             HasSubstr("`base_model`")));
  test::RewriteTinyModel(dir_ / "base", {{"model.layers.0.mlp.up_proj.weight.absmax", {8}}});
  EXPECT_THAT(
      test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "adapter", {}, dir_ / "base"); }),
      HasSubstr("is quantised (bitsandbytes)"));
}

TEST_F(LoadAdapterTest, ABaseOnTheHubThatIsNotInTheCacheSaysHowToFetchIt) {
  SaveAdapter(dir_ / "base", dir_ / "adapter", {});
  NameBase("no-such-owner/gemma-3-270m");
  EXPECT_THAT(
      test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "adapter"); }),
      HasSubstr(
          "its base model 'no-such-owner/gemma-3-270m' is not there; name it with `base_model`, or get it: "
          "gemtune fetch no-such-owner/gemma-3-270m"));
}

TEST_F(LoadAdapterTest, ARankIsHeldToTheTensorsBeforeAnythingIsAllocated) {
  SaveAdapter(dir_ / "base", dir_ / "adapter", {});
  const fs::path path = dir_ / "adapter" / kAdapterConfigName;
  Json config = Json::parse(ReadFile(path));
  config["r"] = 1 << 20;
  WriteFileAtomically(path, config.dump());
  EXPECT_THAT(test::MessageOf([&] { LoadClassifierAdapter(dir_ / "adapter", {}, {}); }),
              HasSubstr("the configuration and the base model ask for [1048576, "));
}

TEST_F(LoadAdapterTest, AnEmbeddingOfItsOwnDoesNotGoOnBlocks) {
  test::WriteTinyGguf(dir_ / "m.gguf");
  PretrainedClassifier classifier = test::Classifier(dir_ / "m.gguf", {}, dir_ / "base");
  classifier.AddAdapter({.r = 2, .modules_to_save = {"embed_tokens"}}, (dir_ / "m.gguf").string(), 1);
  classifier.Save(dir_ / "adapter");
  EXPECT_THAT(test::MessageOf(
                  [&] { LoadClassifierAdapter(dir_ / "adapter", {.base_weights = BaseWeights::kQ8_0}, {}); }),
              HasSubstr("'model.embed_tokens' would be trained whole, but `base_dtype`"));
}

TEST_F(LoadAdapterTest, PeftsAdapterOfALanguageModelGivesItsLogits) {
  fs::copy(test::GoldenDir("causal_lora"), dir_ / "peft");
  fs::copy_file(dir_ / "base" / "tokenizer.json", dir_ / "peft" / "tokenizer.json");
  PretrainedCausalLm loaded = PretrainedCausalLm::FromTrained(dir_ / "peft", {}, test::GoldenDir());
  const auto tokens = test::Golden("causal");
  const auto layout = ops::PackedLayout::Full(test::ToVector(tokens.at("cu_seqlens")));
  const at::Tensor logits = loaded.model->Logits(loaded.model(tokens.at("ids"), layout));
  const at::Tensor expected = test::Golden("causal_lora").at("logits");
  EXPECT_LT(test::MaxDifference(logits, expected), 2e-5 * expected.abs().max().item<double>());
}

TEST_F(LoadAdapterTest, ALanguageModelsAdapterIsSavedAsOneAndReadBackAsNothingElse) {
  PretrainedCausalLm model = PretrainedCausalLm::FromTrained(dir_ / "base");
  model.AddAdapter({.r = 2}, (dir_ / "base").string(), 1);
  for (const at::Tensor& parameter : model.module().parameters()) {
    const at::NoGradGuard no_grad;
    if (parameter.requires_grad()) parameter.add_(0.25);
  }
  model.Save(dir_ / "out");
  const Json config = Json::parse(ReadFile(dir_ / "out" / "adapter_config.json"));
  EXPECT_EQ(config["task_type"], "CAUSAL_LM");
  EXPECT_TRUE(config["modules_to_save"].is_null());
  EXPECT_FALSE(fs::exists(dir_ / "out" / "classifier.json"));
  EXPECT_TRUE(test::SameParameters(PretrainedCausalLm::FromTrained(dir_ / "out").module(), model.module()));
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "out"); }),
              HasSubstr("'task_type' is CAUSAL_LM: this is not a classifier's adapter"));
  SaveAdapter(dir_ / "base", dir_ / "classifier", {.r = 2});
  EXPECT_THAT(test::MessageOf([&] { PretrainedCausalLm::FromTrained(dir_ / "classifier"); }),
              HasSubstr("'task_type' is SEQ_CLS: this is not the adapter of a language model"));
}

}  // namespace
}  // namespace gemtune::model
