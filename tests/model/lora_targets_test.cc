#include "gemtune/model/lora_targets.h"

#include <gmock/gmock.h>

#include <set>

#include "gemtune/model/lora.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr const char* kMultimodal = "model.language_model.";

// "layer.module" of each module of seven layers that `config` adapts, as "0.q_proj".
std::set<std::string> Targets(const LoraConfig& config, const std::string& own_prefix = "model.") {
  SequenceClassifier classifier = test::TinyOutline(own_prefix);
  const LoraTargets targets(config, *classifier);
  std::set<std::string> found;
  for (int layer = 0; layer < 7; ++layer) {
    for (const std::string name : {"self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"}) {
      if (targets.IsTarget(fmt::format("model.layers.{}.{}", layer, name)))
        found.insert(fmt::format("{}.{}", layer, name.substr(name.find('.') + 1)));
    }
  }
  return found;
}

// The expected values are those of peft.tuners.tuners_utils.check_target_module_exists.
TEST(LoraTargets, NamesAreEndsOfPathsAndExpressionsAreWholePaths) {
  EXPECT_THAT(Targets({.target_modules = {"layers.0.self_attn.q_proj", "3.mlp.down_proj"}}),
              UnorderedElementsAre("0.q_proj", "3.down_proj"));
  EXPECT_THAT(Targets({.target_modules = {"proj"}}), IsEmpty());
  EXPECT_THAT(Targets({.target_pattern = R"(.*\.5\..*(q|v)_proj)"}),
              UnorderedElementsAre("5.q_proj", "5.v_proj"));
  EXPECT_THAT(Targets({.target_pattern = R"(layers\.5\..*)"}), IsEmpty());
  EXPECT_EQ(Targets({}).size(), 21u);
}

TEST(LoraTargets, ExcludedModulesAreNamedAsTargetsAre) {
  EXPECT_THAT(
      Targets({.target_modules = {"q_proj"}, .exclude_modules = {"2.self_attn.q_proj", "down_proj"}}).size(),
      6u);
  EXPECT_EQ(Targets({.exclude_modules = {"down_proj"}}).size(), 14u);
  EXPECT_EQ(Targets({.exclude_pattern = R"(.*\.[0-5]\..*)"}).size(), 3u);
  EXPECT_EQ(Targets({.exclude_pattern = "down_proj"}).size(), 21u);
}

TEST(LoraTargets, LayersNarrowNamesAndNotWholePaths) {
  EXPECT_THAT(Targets({.target_modules = {"q_proj"}, .layers_to_transform = {0, 5, 77}}),
              UnorderedElementsAre("0.q_proj", "5.q_proj"));
  EXPECT_THAT(Targets({.target_modules = {"q_proj", "model.layers.3.mlp.down_proj"},
                       .layers_to_transform = {1},
                       .layers_pattern = {"blocks", "lay.*"}}),
              UnorderedElementsAre("1.q_proj", "3.down_proj"));
  EXPECT_THAT(Targets({.target_modules = {"q_proj"}, .layers_to_transform = {1}, .layers_pattern = {"h"}}),
              IsEmpty());
}

TEST(LoraTargets, TheModelThatAConfigurationWasWrittenForDecides) {
  LoraConfig config{.target_pattern = R"(.*language_model.*\.0\..*q_proj)"};
  for (const std::string own : {"model.", kMultimodal}) {
    config.trunk_prefix = kMultimodal;
    EXPECT_THAT(Targets(config, own), ElementsAre("0.q_proj"));
    config.trunk_prefix = "model.";
    EXPECT_THAT(Targets(config, own), IsEmpty());
  }
  // On its own model both the path there and gemtune's are right.
  config.trunk_prefix.reset();
  EXPECT_THAT(Targets(config, kMultimodal), ElementsAre("0.q_proj"));
  EXPECT_THAT(Targets(config), IsEmpty());
  config.target_pattern = R"(model\.layers\.0\..*q_proj)";
  EXPECT_THAT(Targets(config, kMultimodal), ElementsAre("0.q_proj"));
}

// peft.utils.other.get_pattern_key.
TEST(LoraTargets, TheFirstPatternThatMatchesAPathsEndGivesItsRank) {
  SequenceClassifier classifier = test::TinyOutline();
  const LoraTargets targets({.r = 8,
                             .lora_alpha = 16,
                             .rank_pattern = {{R"(^model\.layers\.0\..*)", 1},
                                              {"q_proj", 2},
                                              {"model.layers.1.self_attn.v_proj", 3},
                                              {"roj", 4},
                                              {R"(\d\.mlp.*|x)", 5}},
                             .alpha_pattern = {{"v_proj", 64}}},
                            *classifier);
  const auto rank = [&](const std::string& path) { return targets.At("model.layers." + path).r; };
  EXPECT_EQ(rank("0.self_attn.q_proj"), 1);
  EXPECT_EQ(rank("1.self_attn.q_proj"), 2);
  EXPECT_EQ(rank("1.self_attn.v_proj"), 3);
  EXPECT_EQ(rank("11.self_attn.v_proj"), 8);
  EXPECT_EQ(rank("1.mlp.up_proj"), 5);
  EXPECT_EQ(rank("1.self_attn.k_proj"), 8);
  EXPECT_EQ(targets.At("model.layers.1.self_attn.v_proj").lora_alpha, 64);
  EXPECT_EQ(targets.At("model.layers.1.self_attn.k_proj").lora_alpha, 16);
  EXPECT_DOUBLE_EQ(targets.At("model.layers.1.self_attn.v_proj").Scaling(), 64.0 / 3);
}

LoraConfig Attached(LoraConfig config, const std::string& own_prefix) {
  SequenceClassifier classifier = test::TinyOutline(own_prefix);
  AttachLora(*classifier, config, 1);
  return config;
}

TEST(LoraTargets, OnATextOnlyModelNamesStayAndTheRestBecomesPaths) {
  const LoraConfig plain = Attached(
      {.target_modules = {"q_proj"}, .rank_pattern = {{"q_proj", 2}}, .modules_to_save = {"norm"}}, "model.");
  EXPECT_THAT(plain.target_modules, ElementsAre("q_proj"));
  EXPECT_THAT(plain.modules_to_save, ElementsAre("norm"));
  EXPECT_THAT(plain.rank_pattern, ElementsAre(Pair("q_proj", 2)));
  const LoraConfig layers = Attached({.target_modules = {"q_proj", "v_proj"},
                                      .exclude_modules = {"v_proj"},
                                      .layers_to_transform = {2},
                                      .layers_pattern = {"layers"}},
                                     "model.");
  EXPECT_THAT(layers.target_modules, ElementsAre("model.layers.2.self_attn.q_proj"));
  EXPECT_THAT(layers.exclude_modules, IsEmpty());
  EXPECT_THAT(layers.layers_to_transform, IsEmpty());
  EXPECT_THAT(layers.layers_pattern, IsEmpty());
}

// SigLIP has modules called q_proj, and some whose names end in norm.
TEST(LoraTargets, OnAMultimodalModelAllBecomesPathsOfItsTextPart) {
  const std::string layer = "model.language_model.layers.2.";
  for (const auto& given : {std::optional<std::string>(), std::optional<std::string>("model."),
                            std::optional<std::string>("language_model.model.")}) {
    const LoraConfig config = Attached({.r = 8,
                                        .target_modules = {"2.self_attn.q_proj", "2.mlp.up_proj"},
                                        .rank_pattern = {{"up_proj", 2}},
                                        .alpha_pattern = {{"up_proj", 5}},
                                        .modules_to_save = {"score", "embed_tokens", "classifier"},
                                        .trunk_prefix = given},
                                       kMultimodal);
    EXPECT_EQ(config.trunk_prefix, kMultimodal);
    EXPECT_THAT(config.target_modules,
                UnorderedElementsAre(layer + "self_attn.q_proj", layer + "mlp.up_proj"));
    EXPECT_THAT(config.modules_to_save, UnorderedElementsAre("score", "model.language_model.embed_tokens"));
    EXPECT_THAT(config.rank_pattern, ElementsAre(Pair(layer + "mlp.up_proj", 2)));
    EXPECT_THAT(config.alpha_pattern, ElementsAre(Pair(layer + "mlp.up_proj", 5.0)));
  }
  // And back: what was written for a multimodal one, on a text-only one.
  const LoraConfig config =
      Attached({.target_modules = {layer + "mlp.up_proj"}, .trunk_prefix = kMultimodal}, "model.");
  EXPECT_THAT(config.target_modules, ElementsAre("model.layers.2.mlp.up_proj"));
}

TEST(LoraTargets, APathInTheModelOfTransformers) {
  EXPECT_EQ(ModelPath("model.norm", kMultimodal), "model.language_model.norm");
  EXPECT_EQ(ModelPath("model", kMultimodal), "model.language_model");
  EXPECT_EQ(ModelPath("score.weight", kMultimodal), "score.weight");
  EXPECT_EQ(ModelPath("model.norm", "model."), "model.norm");
  EXPECT_EQ(ModelPath("model.norm", ""), "norm");
}

}  // namespace
}  // namespace gemtune::model
