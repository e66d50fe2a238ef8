#include "gemtune/model/pretrained.h"

#include <gmock/gmock.h>

#include <set>

#include "gemtune/base/file.h"
#include "gemtune/io/file_record.h"
#include "gemtune/model/model_directory.h"
#include "gemtune/model/names.h"
#include "tests/support/gradcheck.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_classifier.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

namespace fs = std::filesystem;
using test::kHead;
using test::Logits;
using Json = nlohmann::ordered_json;

class Pretrained : public test::TempDir {
 protected:
  Pretrained() { test::WriteTinyModel(dir_ / "base"); }

  PretrainedClassifier Base(at::ScalarType dtype = at::kFloat) const {
    return test::Classifier(dir_ / "base", {.dtype = dtype});
  }
};

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
    PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "out", {.dtype = dtype});
    EXPECT_EQ(loaded.head.label_names, kHead.label_names);
    EXPECT_EQ(loaded.head.problem_type, kHead.problem_type);
    EXPECT_EQ(test::MaxDifference(Logits(classifier), Logits(loaded)), 0.0);
    EXPECT_GT(Logits(loaded).abs().max().item<double>(), 0.1);

    // Going on from a classifier keeps its head, unless it has other outputs.
    const ModelSource source = ModelSource::Open(dir_ / "out");
    const auto go_on = [&](const ClassifierHead& head) {
      return PretrainedClassifier::FromBase(source, text::Tokenizer::Load(dir_ / "out"), head,
                                            {.dtype = dtype});
    };
    EXPECT_FALSE(go_on(kHead).head_is_new);
    const ClassifierHead others{.problem_type = kHead.problem_type, .label_names = {"a", "b"}};
    EXPECT_TRUE(go_on(others).head_is_new);
    // Rows follow the names.
    const ClassifierHead three{.problem_type = kHead.problem_type, .label_names = {"maybe", "yes", "no"}};
    const auto more = go_on(three);
    EXPECT_FALSE(more.head_is_new);
    const at::Tensor was = loaded.model->score()->weight, is = more.model->score()->weight;
    EXPECT_TRUE(at::equal(is[0], at::zeros_like(is[0])));
    EXPECT_TRUE(at::equal(is[1], was[1]) && at::equal(is[2], was[0]));
  }
}

TEST_F(Pretrained, ALanguageModelIsSavedWithoutAHeadAndLoadsAsTheSame) {
  const ModelSource source = ModelSource::Open(dir_ / "base");
  PretrainedCausalLm model = PretrainedCausalLm::FromBase(source, text::Tokenizer::Load(dir_ / "base"));
  EXPECT_TRUE(model.sparse_gradients().empty());
  model.Save(dir_ / "out");
  const Json config = Json::parse(ReadFile(dir_ / "out" / "config.json"));
  EXPECT_EQ(config["architectures"], Json{"Gemma3ForCausalLM"});
  EXPECT_EQ(config["dtype"], "float32");
  EXPECT_EQ(config["tie_word_embeddings"], true);
  EXPECT_FALSE(config.contains("id2label") || config.contains("num_labels"));
  const auto checkpoint = io::Checkpoint::Open(dir_ / "out");
  EXPECT_EQ(checkpoint.Find("lm_head.weight"), nullptr);
  EXPECT_EQ(checkpoint.Find("score.weight"), nullptr);
  const PretrainedCausalLm loaded = PretrainedCausalLm::FromTrained(dir_ / "out");
  EXPECT_TRUE(test::SameParameters(loaded.module(), model.module()));
  // A classifier is trained from it as from any base.
  EXPECT_TRUE(test::Classifier(dir_ / "out").head_is_new);
}

TEST_F(Pretrained, OfAClassifierTheLanguageModelIsWhatIsLeftWithoutItsHead) {
  PretrainedClassifier classifier = Base();
  classifier.Save(dir_ / "out");
  const PretrainedCausalLm model = PretrainedCausalLm::FromTrained(dir_ / "out");
  EXPECT_TRUE(test::SameParameters(*model.trunk(), *classifier.trunk()));
  model.Save(dir_ / "lm");
  EXPECT_FALSE(Json::parse(ReadFile(dir_ / "lm" / "config.json")).contains("id2label"));
}

TEST_F(Pretrained, AHeadThatIsNotTheEmbeddingIsAnError) {
  test::RewriteTinyModel(dir_ / "base", {{"lm_head.weight", {288, 16}}});
  const auto load = [&] { PretrainedCausalLm::FromTrained(dir_ / "base"); };
  EXPECT_NO_THROW(load());  // a copy of the embedding, which transformers does not read either
  Json config = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  config["tie_word_embeddings"] = false;
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  EXPECT_THAT(test::MessageOf(load), testing::HasSubstr("its head is not its token embedding"));
}

// Nowhere represents any device: its tensors have no address that could be written to by mistake.
TEST_F(Pretrained, LoadsOntoAnotherDevice) {
  const LoadOptions options{.dtype = at::kBFloat16, .device = ops::Nowhere()};
  PretrainedClassifier classifier = test::Classifier(dir_ / "base", options);
  classifier.AddAdapter({.r = 2}, (dir_ / "base").string(), 1);
  Base(at::kBFloat16).Save(dir_ / "out");
  PretrainedClassifier trained = PretrainedClassifier::FromTrained(dir_ / "out", options);
  for (PretrainedClassifier* loaded : {&classifier, &trained}) {
    for (const auto& item : loaded->model->named_parameters()) {
      EXPECT_TRUE(ops::IsNowhere(item.value().device())) << item.key();
      EXPECT_EQ(item.value().scalar_type(), IsOfAdapter(item.key()) ? at::kFloat : at::kBFloat16)
          << item.key();
    }
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
  test::MoveTrained(classifier);
  Base().Save(dir_ / "out");  // a whole model, in whose place the adapter comes
  classifier.Save(dir_ / "out");
  EXPECT_FALSE(fs::exists(dir_ / "out" / "model.safetensors"));
  EXPECT_FALSE(fs::exists(dir_ / "out" / "config.json"));
  const PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "out");
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
  PretrainedClassifier loaded = PretrainedClassifier::FromTrained(dir_ / "out");
  EXPECT_EQ(loaded.head.label_names, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(test::MaxDifference(Logits(classifier), Logits(loaded)), 0.0);
}

}  // namespace
}  // namespace gemtune::model
