#include "gemtune/model/pretrained.h"

#include <gmock/gmock.h>

#include <set>

#include "gemtune/base/file.h"
#include "gemtune/io/file_record.h"
#include "gemtune/model/model_directory.h"
#include "tests/support/gradcheck.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_gguf.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

const ClassifierHead kHead{.problem_type = "single_label_classification", .label_names = {"no", "yes"}};

class Pretrained : public test::TempDir {
 protected:
  Pretrained() { test::WriteTinyModel(dir_ / "base"); }

  PretrainedClassifier Base(at::ScalarType dtype = at::kFloat) const {
    return PretrainedClassifier::FromBase(dir_ / "base", text::Tokenizer::Load(dir_ / "base"), kHead, dtype);
  }

  std::string ComplaintOfBase() const {
    return test::MessageOf([&] { Base(); });
  }
};

at::Tensor Logits(PretrainedClassifier& classifier) {
  return classifier.model(at::tensor({2, 270, 280, 2, 261}, at::kLong), std::vector<int32_t>{0, 3, 5});
}

// Petabytes, if it were believed before it is compared with the file.
TEST_F(Pretrained, AConfigurationIsHeldToTheTensorsBeforeAnythingIsAllocated) {
  Json config = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  config["vocab_size"] = 1 << 24;
  config["hidden_size"] = 1 << 17;
  config["intermediate_size"] = 1 << 20;
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  EXPECT_THAT(ComplaintOfBase(), HasSubstr("the configuration asks for [16777216, 131072]"));
}

TEST_F(Pretrained, ABaseModelGetsAHeadOfZeros) {
  PretrainedClassifier classifier = Base();
  EXPECT_TRUE(classifier.head_is_new);
  EXPECT_EQ(classifier.model->score()->weight.sizes(), (std::vector<int64_t>{2, 16}));
  EXPECT_EQ(Logits(classifier).abs().max().item<double>(), 0.0);
}

TEST_F(Pretrained, WhatIsSavedLoadsAsTheSame) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    PretrainedClassifier classifier = Base(dtype);
    {
      const at::NoGradGuard no_grad;
      classifier.model->score()->weight.normal_();
    }
    classifier.Save(dir_ / "out");
    PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "out", dtype);
    EXPECT_EQ(loaded.head.label_names, kHead.label_names);
    EXPECT_EQ(loaded.head.problem_type, kHead.problem_type);
    EXPECT_EQ(test::MaxDifference(Logits(classifier), Logits(loaded)), 0.0);
    EXPECT_GT(Logits(loaded).abs().max().item<double>(), 0.1);

    // Going on from a classifier keeps its head, unless it has other outputs.
    const text::Tokenizer tokenizer = text::Tokenizer::Load(dir_ / "out");
    EXPECT_FALSE(PretrainedClassifier::FromBase(dir_ / "out", tokenizer, kHead, dtype).head_is_new);
    const ClassifierHead others{.problem_type = kHead.problem_type, .label_names = {"a", "b"}};
    EXPECT_TRUE(PretrainedClassifier::FromBase(dir_ / "out", tokenizer, others, dtype).head_is_new);
    // Rows follow the names.
    const ClassifierHead three{.problem_type = kHead.problem_type, .label_names = {"maybe", "yes", "no"}};
    const auto more = PretrainedClassifier::FromBase(dir_ / "out", tokenizer, three, dtype);
    EXPECT_FALSE(more.head_is_new);
    const at::Tensor was = loaded.model->score()->weight, is = more.model->score()->weight;
    EXPECT_TRUE(at::equal(is[0], at::zeros_like(is[0])));
    EXPECT_TRUE(at::equal(is[1], was[1]) && at::equal(is[2], was[0]));
  }
}

TEST_F(Pretrained, TheSavedConfigIsTransformers) {
  Base(at::kBFloat16).Save(dir_ / "out");
  const Json config = Json::parse(ReadFile(dir_ / "out" / "config.json"));
  EXPECT_EQ(config["architectures"].dump(), R"(["Gemma3TextForSequenceClassification"])");
  EXPECT_EQ(config["model_type"], "gemma3_text");
  EXPECT_EQ(config["dtype"], "bfloat16");
  EXPECT_EQ(config["num_labels"], 2);
  EXPECT_EQ(config["problem_type"], "single_label_classification");
  EXPECT_EQ(config["id2label"].dump(), R"({"0":"no","1":"yes"})");
  EXPECT_EQ(config["label2id"].dump(), R"({"no":0,"yes":1})");
  EXPECT_EQ(config["hidden_size"], 16);
  EXPECT_FALSE(fs::exists(dir_ / "out" / "generation_config.json"));
}

TEST_F(Pretrained, SavingOverAnEarlierModelLeavesNoneOfItsWeights) {
  fs::create_directories(dir_ / "out");
  const std::set<std::string> shards = {"model-00001-of-00002.safetensors", "model.safetensors.index.json"};
  for (const std::string& name : shards) WriteFileAtomically(dir_ / "out" / name, "x");
  io::WriteFileRecord(dir_ / "out", {{"model", shards}});
  WriteFileAtomically(dir_ / "out" / "train_log.jsonl", "x");
  Base().Save(dir_ / "out");
  for (const std::string& name : shards) EXPECT_FALSE(fs::exists(dir_ / "out" / name)) << name;
  EXPECT_TRUE(fs::exists(dir_ / "out" / "train_log.jsonl"));
  EXPECT_TRUE(fs::exists(dir_ / "out" / "model.safetensors"));
}

// A name that ModelFilesIn does not know would be written over somebody's file.
TEST_F(Pretrained, WhateverIsSavedIsKnownAsAModelsFile) {
  for (const char* name : {"special_tokens_map.json", "added_tokens.json", "chat_template.jinja"})
    WriteFileAtomically(dir_ / "base" / name, "{}");
  WriteFileAtomically(dir_ / "base" / "generation_config.json", "{}");
  for (const bool is_adapter : {false, true}) {
    PretrainedClassifier classifier = Base();
    if (is_adapter) classifier.AddAdapter({.r = 2}, (dir_ / "base").string(), 1);
    classifier.Save(dir_ / "out");
    const std::vector<std::string> known = ModelFilesIn(dir_ / "out");
    EXPECT_EQ(io::NamesIn(dir_ / "out"), std::set<std::string>(known.begin(), known.end()));
  }
}

TEST_F(Pretrained, AnAdapterIsSavedAndLoadsAsTheSame) {
  PretrainedClassifier classifier = Base();
  classifier.AddAdapter({.r = 3, .use_dora = true}, (dir_ / "base").string(), 1);
  {
    const at::NoGradGuard no_grad;
    for (const auto& item : classifier.model->named_parameters()) {
      if (item.value().requires_grad()) item.value().add_(at::randn_like(item.value()), 0.1);
    }
  }
  Base().Save(dir_ / "out");  // a whole model, in whose place the adapter comes
  classifier.Save(dir_ / "out");
  EXPECT_FALSE(fs::exists(dir_ / "out" / "model.safetensors"));
  EXPECT_FALSE(fs::exists(dir_ / "out" / "config.json"));
  const PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "out", at::kFloat);
  EXPECT_EQ(loaded.head.label_names, kHead.label_names);
  PretrainedClassifier copy = loaded;
  EXPECT_EQ(test::MaxDifference(Logits(classifier), Logits(copy)), 0.0);
  EXPECT_GT(Logits(copy).abs().max().item<double>(), 0.1);

  const at::Tensor before = Logits(classifier).detach();
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : classifier.model->parameters()) {
    if (parameter.requires_grad()) parameter.zero_();
  }
  classifier.Restore(dir_ / "out");
  EXPECT_EQ(test::MaxDifference(Logits(classifier), before), 0.0);
}

TEST_F(Pretrained, AnAdaptersBaseAndLabelsAreLookedForWhereTheyMayBe) {
  PretrainedClassifier classifier = Base();
  classifier.AddAdapter({}, (dir_ / "base").string(), 1);
  classifier.Save(dir_ / "out");
  fs::remove(dir_ / "out" / "classifier.json");  // as peft saves it
  EXPECT_EQ(PretrainedClassifier::FromTrained(dir_ / "out", at::kFloat).head.label_names,
            (std::vector<std::string>{"LABEL_0", "LABEL_1"}));
  fs::rename(dir_ / "base", dir_ / "moved");
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "out", at::kFloat); }),
              HasSubstr("name it with --base-model"));
  Json config = Json::parse(ReadFile(dir_ / "moved" / "config.json"));
  config["id2label"] = {{"0", "a"}, {"1", "b"}};
  WriteFileAtomically(dir_ / "moved" / "config.json", config.dump());
  EXPECT_EQ(PretrainedClassifier::FromTrained(dir_ / "out", at::kFloat, dir_ / "moved").head.label_names,
            (std::vector<std::string>{"a", "b"}));
  WriteFileAtomically(dir_ / "out" / "classifier.json", R"({"id2label": {"0": "a"}})");
  EXPECT_THAT(
      test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "out", at::kFloat, dir_ / "moved"); }),
      HasSubstr("does not name the head's 2 outputs"));
  EXPECT_THAT(
      test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "moved", at::kFloat, dir_ / "out"); }),
      HasSubstr("is no adapter"));
}

TEST_F(Pretrained, TheGenerationConfigIsKeptWhereThereIsOne) {
  WriteFileAtomically(dir_ / "base" / "generation_config.json", R"({"top_k": 64})");
  Base().Save(dir_ / "out");
  EXPECT_EQ(Json::parse(ReadFile(dir_ / "out" / "generation_config.json"))["top_k"], 64);
}

TEST_F(Pretrained, TheTextPartOfAMultimodalConfigIsSavedAsATextModel) {
  Json text = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  WriteFileAtomically(
      dir_ / "base" / "config.json",
      Json{{"model_type", "gemma3"}, {"text_config", text}, {"vision_config", Json::object()}}.dump());
  Base().Save(dir_ / "out");
  const Json config = Json::parse(ReadFile(dir_ / "out" / "config.json"));
  EXPECT_EQ(config["model_type"], "gemma3_text");
  EXPECT_EQ(config["hidden_size"], 16);
  EXPECT_FALSE(config.contains("vision_config"));
}

TEST_F(Pretrained, NamesWhatIsWrongWithACheckpoint) {
  Json config = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  config["num_hidden_layers"] = 8;
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  EXPECT_THAT(ComplaintOfBase(), HasSubstr("tensor 'model.layers.7."));
  EXPECT_THAT(ComplaintOfBase(), HasSubstr("is missing"));
  config["num_hidden_layers"] = 7;
  config["intermediate_size"] = 33;
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  EXPECT_THAT(ComplaintOfBase(), HasSubstr("has shape [32, 16], the configuration asks for [33, 16]"));
}

TEST_F(Pretrained, ABaseModelIsNoTrainedClassifier) {
  const auto complaint = [&] {
    return test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "base", at::kFloat); });
  };
  const auto write = [&](const std::vector<std::pair<std::string, std::vector<int64_t>>>& tensors) {
    test::RewriteTinyModel(dir_ / "base", tensors);
  };
  write({});
  EXPECT_THAT(complaint(), HasSubstr("no 'score.weight'; this is not a fine-tuned classifier"));
  write({{"score.weight", {3, 16}}});
  EXPECT_THAT(complaint(), HasSubstr("has shape [3, 16], but config.json names none, which means 2 labels"));
  write({{"score.weight", {2, 15}}});
  EXPECT_THAT(complaint(), HasSubstr("'score.weight' has shape [2, 15], the configuration asks for [2, 16]"));
  write({{"score.weight", {2, 16}}, {"score.bias", {2}}});
  EXPECT_THAT(complaint(), HasSubstr("has a 'score.bias'"));
  Json config = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  config["id2label"] = {{"0", "a"}, {"1", "b"}};
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  write({{"score.weight", {3, 16}}});
  EXPECT_THAT(complaint(), HasSubstr("has shape [3, 16], but config.json names 2 labels"));
}

// save_pretrained leaves id2label out where it is the default of two.
TEST_F(Pretrained, TheDefaultLabelsOfTransformersNeedNotBeNamed) {
  const auto head = [&](int64_t outputs, const Json& more) {
    Json config = Json::parse(ReadFile(dir_ / "base" / "config.json"));
    config.update(more);
    WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
    test::RewriteTinyModel(dir_ / "base", {{"score.weight", {outputs, 16}}});
    return PretrainedClassifier::FromTrained(dir_ / "base", at::kFloat).head;
  };
  EXPECT_EQ(head(2, Json::object()).label_names, (std::vector<std::string>{"LABEL_0", "LABEL_1"}));
  EXPECT_EQ(head(3, {{"num_labels", 3}}).label_names,
            (std::vector<std::string>{"LABEL_0", "LABEL_1", "LABEL_2"}));
  const ClassifierHead one = head(1, {{"id2label", nullptr}, {"num_labels", 1}});
  EXPECT_EQ(one.problem_type, "regression");
}

// Of Gemma3ForSequenceClassification: the head's entries stand beside text_config.
TEST_F(Pretrained, AMultimodalClassifierIsReadWithItsLabels) {
  PretrainedClassifier classifier = Base();
  {
    const at::NoGradGuard no_grad;
    classifier.model->score()->weight.normal_();
  }
  classifier.Save(dir_ / "out");
  test::MakeMultimodal(dir_ / "out");
  Json config = Json::parse(ReadFile(dir_ / "out" / "config.json"));
  config["id2label"] = {{"0", "x"}, {"1", "y"}};
  config["text_config"]["id2label"] = {{"0", "not"}, {"1", "these"}};
  WriteFileAtomically(dir_ / "out" / "config.json", config.dump());
  PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "out", at::kFloat);
  EXPECT_EQ(loaded.head.label_names, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(test::MaxDifference(Logits(classifier), Logits(loaded)), 0.0);
}

// An adapter that has left its start, of `base`, in dir_ / "adapter"; returns its logits.
at::Tensor SaveAdapter(const fs::path& base, const fs::path& adapter, const LoraConfig& config) {
  PretrainedClassifier classifier =
      PretrainedClassifier::FromBase(base, text::Tokenizer::Load(base), kHead, at::kFloat);
  classifier.AddAdapter(config, base.string(), 1);
  const at::NoGradGuard no_grad;
  for (const auto& item : classifier.model->named_parameters()) {
    if (item.value().requires_grad()) item.value().add_(at::randn_like(item.value()), 0.1);
  }
  classifier.Save(adapter);
  return Logits(classifier);
}

TEST_F(Pretrained, AnAdapterGoesOnItsBaseInAnyLayout) {
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
      PretrainedClassifier loaded =
          PretrainedClassifier::FromTrained(dir_ / "adapter", at::kFloat, dir_ / loaded_on);
      EXPECT_EQ(test::MaxDifference(Logits(loaded), expected), 0.0) << trained_on << loaded_on;
      // Saved again, it is one of the base that it lies on.
      loaded.Save(dir_ / "again");
      EXPECT_EQ(ReadAdapterContents(dir_ / "again").trunk_prefix, loaded.config.trunk_prefix);
      PretrainedClassifier again = PretrainedClassifier::FromTrained(dir_ / "again", at::kFloat);
      EXPECT_EQ(test::MaxDifference(Logits(again), expected), 0.0) << trained_on << loaded_on;
      loaded.MergeAdapter();
      loaded.Save(dir_ / "merged");
      PretrainedClassifier merged = PretrainedClassifier::FromTrained(dir_ / "merged", at::kFloat);
      EXPECT_LT(test::MaxDifference(Logits(merged), expected), 1e-5) << trained_on << loaded_on;
    }
  }
}

// peft's save_embedding_layers: the configuration does not tell of it.
TEST_F(Pretrained, AnEmbeddingSavedWithAnAdapterTakesTheBasesPlace) {
  const at::Tensor expected =
      SaveAdapter(dir_ / "base", dir_ / "adapter", {.r = 3, .modules_to_save = {"embed_tokens"}});
  const fs::path path = dir_ / "adapter" / kAdapterConfigName;
  Json config = Json::parse(ReadFile(path));
  config["modules_to_save"] = {"classifier", "score"};
  WriteFileAtomically(path, config.dump());
  PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "adapter", at::kFloat);
  EXPECT_EQ(test::MaxDifference(Logits(loaded), expected), 0.0);
  loaded.Save(dir_ / "again");
  PretrainedClassifier again = PretrainedClassifier::FromTrained(dir_ / "again", at::kFloat);
  EXPECT_EQ(test::MaxDifference(Logits(again), expected), 0.0);

  Json base = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  base["vocab_size"] = 289;
  WriteFileAtomically(dir_ / "base" / "config.json", base.dump());
  test::RewriteTinyModel(dir_ / "base", {{"model.embed_tokens.weight", {289, 16}}});
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "adapter", at::kFloat); }),
              testing::AllOf(HasSubstr("(save_embedding_layers or modules_to_save), is an embedding of 288 "
                                       "tokens, that of the base model has 289"),
                             HasSubstr("resize_token_embeddings")));
}

TEST_F(Pretrained, AQuantisedBaseOfAnAdapterSaysWhichToTake) {
  SaveAdapter(dir_ / "base", dir_ / "adapter", {});
  const fs::path path = dir_ / "adapter" / kAdapterConfigName;
  Json config = Json::parse(ReadFile(path));
  config["base_model_name_or_path"] = "unsloth/gemma-3-1b-it-unsloth-bnb-4bit";
  WriteFileAtomically(path, config.dump());
  EXPECT_THAT(test::MessageOf([&] { PretrainedClassifier::FromTrained(dir_ / "adapter", at::kFloat); }),
              testing::AllOf(HasSubstr("is quantised; name 'unsloth/gemma-3-1b-it', which it was made from"),
                             HasSubstr("--base-model")));
  test::RewriteTinyModel(dir_ / "base", {{"model.layers.0.mlp.up_proj.weight.absmax", {8}}});
  EXPECT_THAT(test::MessageOf(
                  [&] { PretrainedClassifier::FromTrained(dir_ / "adapter", at::kFloat, dir_ / "base"); }),
              HasSubstr("is quantised (bitsandbytes)"));
}

TEST(HeadFromConfig, ReadsLabelsInTheOrderOfTheirIds) {
  const ClassifierHead head =
      HeadFromConfig(Json::parse(R"({"id2label": {"1": "b", "0": "a", "2": "c"}})"), "c");
  EXPECT_EQ(head.label_names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(head.problem_type, "single_label_classification");
  EXPECT_EQ(HeadFromConfig(Json::parse(R"({"id2label": {"0": "LABEL_0"}})"), "c").problem_type, "regression");
  EXPECT_EQ(
      HeadFromConfig(Json::parse(R"({"id2label": {"0": 7, "1": -1, "2": "3", "3": 0.5}})"), "c").label_names,
      (std::vector<std::string>{"7", "-1", "3", "0.5"}));
  EXPECT_THAT(test::MessageOf([] {
                HeadFromConfig(Json::parse(R"({"id2label": {"0": "a", "1": "b"}, "num_labels": 3})"), "c");
              }),
              HasSubstr("c: 'num_labels' is 3, but 'id2label' names 2 labels"));
}

TEST(HeadFromConfig, RefusesLabelsThatAreNotNumbered) {
  for (const char* bad :
       {R"({"id2label": {"0": "a", "2": "b"}})", R"({"id2label": {"0": "a", "x": "b"}})",
        R"({"id2label": {"0": "a", "00": "b"}})", R"({"id2label": {"1": "a", "2": "b"}})",
        R"({"id2label": {"0": true}})", R"({"id2label": ["a", "b"]})", R"({"id2label": {}})",
        R"({"id2label": {"0": null}})", R"({"id2label": {"99999999999999999999": "a"}})"}) {
    EXPECT_THAT(test::MessageOf([&] { HeadFromConfig(Json::parse(bad), "config.json"); }),
                HasSubstr("'id2label'"))
        << bad;
  }
  for (const char* bad : {R"({"num_labels": 0})", R"({"num_labels": "3"})", R"({"num_labels": 1000001})"}) {
    EXPECT_THAT(test::MessageOf([&] { HeadFromConfig(Json::parse(bad), "config.json"); }),
                HasSubstr("'num_labels'"))
        << bad;
  }
}

// What a model on kept blocks computes: logits, and the gradients of what is trained after a step away from
// where B is zero.
std::vector<at::Tensor> Results(PretrainedClassifier& classifier) {
  const at::NoGradGuard no_grad;
  at::manual_seed(5);
  for (const auto& item : classifier.model->named_parameters()) {
    if (item.value().requires_grad()) item.value().add_(at::randn_like(item.value()), 0.1);
  }
  const at::AutoGradMode with_graph(true);
  const at::Tensor ids = at::randint(4, 288, {150}, at::kLong);
  std::vector<at::Tensor> results = {classifier.model(ids, std::vector<int32_t>{0, 90, 150})};
  results[0].square().sum().backward();
  for (const at::Tensor& parameter : classifier.model->parameters()) {
    if (parameter.requires_grad()) results.push_back(parameter.grad());
  }
  return results;
}

TEST_F(Pretrained, KeptBlocksGiveWhatTheirNumbersGive) {
  test::WriteTinyGguf(dir_ / "m.gguf");
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const bool checkpointing : {false, true}) {
      const auto run = [&](BaseWeights base_weights) {
        PretrainedClassifier classifier = PretrainedClassifier::FromBase(
            dir_ / "m.gguf", text::Tokenizer::Load(dir_ / "base"), kHead, dtype, base_weights);
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

TEST_F(Pretrained, AnAdapterTrainedOnKeptBlocksLoadsOnTheWholeModel) {
  test::WriteTinyGguf(dir_ / "m.gguf");
  for (const bool use_dora : {false, true}) {
    PretrainedClassifier classifier = PretrainedClassifier::FromBase(
        dir_ / "m.gguf", text::Tokenizer::Load(dir_ / "base"), kHead, at::kFloat, BaseWeights::kFileBlocks);
    classifier.AddAdapter({.r = 3, .use_dora = use_dora}, (dir_ / "m.gguf").string(), 1);
    Results(classifier);  // which moves what is trained
    classifier.Save(dir_ / "out");
    const Json config = Json::parse(ReadFile(dir_ / "out" / "adapter_config.json"));
    EXPECT_EQ(config["base_model_name_or_path"], (dir_ / "m.gguf").string());
    PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "out", at::kFloat);
    EXPECT_LT(test::MaxDifference(Logits(classifier), Logits(loaded)), 1e-5);
  }
}

// A directory with the numbers of the tiny GGUF, whose matrices have whole blocks a row.
void WriteTinyBase(const std::filesystem::path& gguf, const std::filesystem::path& tokenizer,
                   const std::filesystem::path& directory) {
  test::WriteTinyGguf(gguf);
  PretrainedClassifier::FromBase(gguf, text::Tokenizer::Load(tokenizer), kHead, at::kFloat).Save(directory);
}

TEST_F(Pretrained, WeightsRoundedToBlocksGiveWhatTheirNumbersGive) {
  WriteTinyBase(dir_ / "m.gguf", dir_ / "base", dir_ / "rounded");
  const auto load = [&](at::ScalarType dtype, BaseWeights base_weights) {
    return PretrainedClassifier::FromBase(dir_ / "rounded", text::Tokenizer::Load(dir_ / "base"), kHead,
                                          dtype, base_weights);
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
    const at::Tensor numbers = ops::Expand({{held, kernels::BlockType::kQ8_0}}, at::kFloat);
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

TEST_F(Pretrained, WhatIsTrainedWholeCannotStayInBlocks) {
  test::WriteTinyGguf(dir_ / "m.gguf");
  for (const BaseWeights base_weights : {BaseWeights::kFileBlocks, BaseWeights::kQ8_0}) {
    PretrainedClassifier classifier = PretrainedClassifier::FromBase(
        dir_ / "m.gguf", text::Tokenizer::Load(dir_ / "base"), kHead, at::kFloat, base_weights);
    EXPECT_THAT(
        test::MessageOf([&] { classifier.AddAdapter({.modules_to_save = {"embed_tokens"}}, "m.gguf", 1); }),
        HasSubstr("--modules-to-save: 'model.embed_tokens' would be trained whole, but --base-dtype"));
    EXPECT_NO_THROW(classifier.AddAdapter({.modules_to_save = {"norm"}}, "m.gguf", 1));
  }
}

TEST_F(Pretrained, AnOutlineTellsWhatCannotBeHeldInBlocks) {
  test::WriteTinyGguf(dir_ / "m.gguf");
  const auto check = [&](const char* path, BaseWeights base_weights, const LoraConfig& lora) {
    const auto checkpoint = io::Checkpoint::Open(dir_ / path);
    const auto config = Gemma3TextConfig::FromJson(checkpoint.config(), path);
    CheckTargets(*Outline(checkpoint, config, 1, base_weights), lora);
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
