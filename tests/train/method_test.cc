#include "gemtune/train/method.h"

#include <gmock/gmock.h>

#include <set>

#include "tests/support/message_of.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;

// Names of the parameters that a method leaves trainable in the tiny model of 7 layers.
std::set<std::string> TrainedParameters(const std::string& method, const MethodOptions& options = {}) {
  model::SequenceClassifier classifier = test::TinyClassifier();
  FindMethod(method).select(*classifier, options);
  std::set<std::string> names;
  for (const auto& item : classifier->named_parameters()) {
    if (item.value().requires_grad()) names.insert(item.key());
  }
  return names;
}

TEST(Method, FullMovesEverythingAndHeadTheHeadAlone) {
  EXPECT_EQ(TrainedParameters("full").size(), test::TinyClassifier()->named_parameters().size());
  EXPECT_EQ(TrainedParameters("head"), std::set<std::string>{"score.weight"});
}

TEST(Method, AnUnknownOneIsAnErrorThatNamesTheKnown) {
  EXPECT_THAT(test::MessageOf([] { FindMethod("tail"); }),
              HasSubstr("`method` 'tail' is not known; known: full, head, freeze, lora"));
}

// The layers of which a parameter is trained.
std::set<int> Layers(const std::string& text) {
  std::set<int> layers;
  for (const std::string& name : TrainedParameters("freeze", {.trainable_layers = text})) {
    if (name.starts_with("model.layers.")) layers.insert(name[13] - '0');
  }
  return layers;
}

TEST(Freeze, LayersAreCountedFromZeroAndRangesMayBeOpen) {
  EXPECT_EQ(Layers("3"), (std::set<int>{3}));
  EXPECT_EQ(Layers("5-"), (std::set<int>{5, 6}));
  EXPECT_EQ(Layers("-1"), (std::set<int>{0, 1}));
  EXPECT_EQ(Layers("2-4"), (std::set<int>{2, 3, 4}));
  EXPECT_EQ(Layers("0,3,5-6"), (std::set<int>{0, 3, 5, 6}));
}

TEST(Freeze, LayersMoveWholeWithTheFinalNormAndTheHeadAndWithoutTheEmbedding) {
  const std::set<std::string> trained = TrainedParameters("freeze", {.trainable_layers = "6"});
  EXPECT_EQ(trained.size(), 13u + 2u);  // 4 + 2 norms and 7 matrices
  EXPECT_TRUE(trained.contains("model.norm.weight"));
  EXPECT_TRUE(trained.contains("score.weight"));
  EXPECT_FALSE(trained.contains("model.embed_tokens.weight"));
}

TEST(Freeze, EmbeddingsAlone) {
  std::set<std::string> trained = TrainedParameters("freeze", {.freeze_embeddings = true});
  EXPECT_TRUE(trained.insert("model.embed_tokens.weight").second);
  EXPECT_EQ(trained, TrainedParameters("full"));
}

TEST(Freeze, ParametersByTheirNames) {
  EXPECT_EQ(TrainedParameters("freeze", {.trainable_parameters = R"(layers\.[56]\.self_attn\.[qv]_proj)"}),
            (std::set<std::string>{
                "model.layers.5.self_attn.q_proj.weight", "model.layers.5.self_attn.v_proj.weight",
                "model.layers.6.self_attn.q_proj.weight", "model.layers.6.self_attn.v_proj.weight",
                "model.norm.weight", "score.weight"}));
}

TEST(Freeze, WhatNamesNothingIsAnError) {
  const auto complaint = [](const MethodOptions& options) {
    return test::MessageOf([&] { TrainedParameters("freeze", options); });
  };
  for (const char* layers :
       {"7", "5-7", "x", "1,", ",1", "-", "1-2-3", "--1", " 1", "1.5", "99999999999999999999"}) {
    EXPECT_THAT(complaint({.trainable_layers = layers}), HasSubstr("the model has layers 0 to 6")) << layers;
  }
  EXPECT_THAT(complaint({.trainable_layers = "5-3"}), HasSubstr("'5-3' ends before it begins"));
  EXPECT_THAT(complaint({.trainable_parameters = "lora"}), HasSubstr("'lora' matches no parameter"));
  EXPECT_THAT(complaint({.trainable_parameters = "("}), HasSubstr("not a regular expression"));
  EXPECT_THAT(complaint({.trainable_layers = "3", .trainable_parameters = "mlp"}), HasSubstr("leave out"));
  EXPECT_THAT(complaint({}), HasSubstr("say what to train"));
}

}  // namespace
}  // namespace gemtune::train
