#include "gemtune/model/lora.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "gemtune/model/linear.h"
#include "gemtune/ops/cross_entropy.h"
#include "tests/support/gradcheck.h"
#include "tests/support/message_of.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using test::MaxDifference;
using testing::HasSubstr;

at::Tensor Logits(SequenceClassifier& classifier) {
  const auto golden = test::Golden();
  return classifier(golden.at("ids"), test::ToVector(golden.at("cu_seqlens")));
}

class AgainstPeft : public testing::TestWithParam<const char*> {};

TEST_P(AgainstPeft, LogitsAreEqual) {
  SequenceClassifier classifier = test::TinyAdapted(GetParam());
  EXPECT_LT(MaxDifference(Logits(classifier), test::Golden(GetParam()).at("logits")), 5e-5);
}

TEST_P(AgainstPeft, EveryGradientIsEqualAndThereIsNoOther) {
  const auto golden = test::Golden(GetParam());
  SequenceClassifier classifier = test::TinyAdapted(GetParam());
  const at::Tensor labels = test::Golden().at("labels");
  (ops::CrossEntropySum(Logits(classifier), labels) / labels.numel()).backward();
  size_t gradients = 0;
  for (const auto& item : classifier->named_parameters()) {
    const auto expected = golden.find("grad." + item.key());
    ASSERT_EQ(item.value().grad().defined(), expected != golden.end()) << item.key();
    if (expected == golden.end()) continue;
    ++gradients;
    const double magnitude = expected->second.abs().max().item<double>();
    EXPECT_LT(MaxDifference(item.value().grad(), expected->second), 1e-4 * magnitude + 1e-7) << item.key();
  }
  EXPECT_EQ(gradients + 3, golden.size());  // logits, loss, losses
}

TEST_P(AgainstPeft, MergedGivesTheSameLogitsFromThePlainParameters) {
  SequenceClassifier classifier = test::TinyAdapted(GetParam());
  MergeLora(*classifier);
  EXPECT_EQ(classifier->named_parameters().keys(), test::TinyClassifier()->named_parameters().keys());
  EXPECT_LT(MaxDifference(Logits(classifier), test::Golden(GetParam()).at("logits")), 5e-5);
}

INSTANTIATE_TEST_SUITE_P(Adapters, AgainstPeft, testing::Values("lora", "rslora", "dora"));

// One adapted matrix in double, with an adapter that has left its start.
Linear Adapted(const LoraConfig& config, at::ScalarType dtype = at::kDouble,
               const PassCounter& pass = std::make_shared<uint64_t>(0)) {
  const at::NoGradGuard no_grad;
  at::manual_seed(4);
  Linear linear(6, 5, at::TensorOptions().dtype(dtype));
  linear->weight.normal_();
  linear->SetAdapter(LoraAdapter(config, linear->weight, 3, pass));
  const auto parameters = linear->named_parameters();
  parameters["lora_B.weight"].normal_();
  if (config.use_dora) parameters["lora_magnitude_vector.weight"].uniform_(0.5, 2);
  return linear;
}

TEST(LoraAdapter, StartsAsPeftDoesAndChangesNothing) {
  const LoraConfig config{.r = 3, .use_dora = true};
  Linear linear(600, 50, at::TensorOptions().dtype(at::kFloat));
  const at::NoGradGuard no_grad;
  linear->weight.normal_();
  const at::Tensor x = at::randn({4, 600}), before = linear(x);
  linear->SetAdapter(LoraAdapter(config, linear->weight, 3, std::make_shared<uint64_t>(0)));
  EXPECT_LT(MaxDifference(linear(x), before), 1e-4);
  const auto parameters = linear->named_parameters();
  const at::Tensor& a = parameters["lora_A.weight"];
  const double bound = 1 / std::sqrt(600.0);
  EXPECT_LE(a.abs().max().item<double>(), bound);
  EXPECT_NEAR(a.std().item<double>(), bound / std::sqrt(3.0), 0.05 * bound);
  EXPECT_EQ(parameters["lora_B.weight"].abs().max().item<double>(), 0.0);
  EXPECT_LT(MaxDifference(parameters["lora_magnitude_vector.weight"], linear->weight.norm(2, 1)), 1e-4);
}

TEST(LoraAdapter, IsSeeded) {
  const auto a_of = [](uint64_t seed) {
    Linear linear(6, 5, at::TensorOptions().dtype(at::kFloat));
    linear->SetAdapter(LoraAdapter({}, linear->weight, seed, std::make_shared<uint64_t>(0)));
    return linear->named_parameters()["lora_A.weight"].detach().clone();
  };
  EXPECT_EQ(MaxDifference(a_of(1), a_of(1)), 0.0);
  EXPECT_GT(MaxDifference(a_of(1), a_of(2)), 0.0);
}

TEST(LoraAdapter, ScalesByTheRankOrItsRoot) {
  EXPECT_DOUBLE_EQ((LoraConfig{.r = 16, .lora_alpha = 32}.Scaling()), 2.0);
  EXPECT_DOUBLE_EQ((LoraConfig{.r = 16, .lora_alpha = 32, .use_rslora = true}.Scaling()), 8.0);
}

TEST(LoraAdapter, ComputesTheEquationAndItsMergedWeightToo) {
  const at::NoGradGuard no_grad;
  for (const bool use_dora : {false, true}) {
    const LoraConfig config{.r = 2, .lora_alpha = 3, .use_dora = use_dora};
    Linear linear = Adapted(config);
    const auto parameters = linear->named_parameters();
    at::Tensor expected =
        linear->weight + at::matmul(parameters["lora_B.weight"], parameters["lora_A.weight"]) * 1.5;
    if (use_dora) {
      expected = expected * (parameters["lora_magnitude_vector.weight"] / expected.norm(2, 1)).unsqueeze(1);
    }
    const at::Tensor x = test::RandomDouble({7, 6});
    EXPECT_LT(MaxDifference(linear(x), x.matmul(expected.t())), 1e-12);
    linear->MergeAdapter();
    EXPECT_LT(MaxDifference(linear->weight, expected), 1e-12);
    EXPECT_LT(MaxDifference(linear(x), x.matmul(expected.t())), 1e-12);
    EXPECT_EQ(linear->named_parameters().keys(), std::vector<std::string>{"weight"});
  }
}

TEST(LoraAdapter, ItsParametersAreFp32InABf16Model) {
  const Linear linear = Adapted({.use_dora = true}, at::kBFloat16);
  for (const auto& item : linear->named_parameters()) {
    EXPECT_EQ(item.value().scalar_type(), item.key() == "weight" ? at::kBFloat16 : at::kFloat) << item.key();
  }
}

TEST(LoraAdapter, DropoutIsDrawnAnewForEachPassAndAgainFromTheSeed) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({20, 6}, at::kDouble);
  for (const bool use_dora : {false, true}) {
    const LoraConfig config{.r = 2, .lora_dropout = 0.5, .use_dora = use_dora};
    const auto pass = std::make_shared<uint64_t>(0);
    Linear linear = Adapted(config, at::kDouble, pass), again = Adapted(config, at::kDouble, pass);
    const Linear without = Adapted({.r = 2, .use_dora = use_dora});
    const at::Tensor first = linear(x);
    EXPECT_EQ(MaxDifference(linear(x), first), 0.0);  // computed again on the way back
    ++*pass;
    const at::Tensor second = linear(x);
    EXPECT_GT(MaxDifference(first, second), 0.01);
    EXPECT_EQ(MaxDifference(again(x), second), 0.0);
    linear->eval();
    EXPECT_EQ(MaxDifference(linear(x), without->forward(x)), 0.0);
  }
}

std::set<std::string> TrainedBy(LoraConfig config) {
  SequenceClassifier classifier = test::TinyClassifier();
  CheckTargets(*classifier, config);
  AttachLora(*classifier, config, 1);
  std::set<std::string> names;
  for (const auto& item : classifier->named_parameters()) {
    if (item.value().requires_grad()) names.insert(item.key());
  }
  return names;
}

LoraConfig WithTargets(const std::string& text) {
  LoraConfig config;
  SetTargetModules(text, config);
  return config;
}

TEST(AttachLora, TrainsTheAdaptersAndTheHeadAlone) {
  EXPECT_EQ(TrainedBy(WithTargets("all-linear")).size(), 7u * 7 * 2 + 1);
  EXPECT_EQ(TrainedBy(WithTargets("layers.0.self_attn.q_proj")),
            (std::set<std::string>{"model.layers.0.self_attn.q_proj.lora_A.weight",
                                   "model.layers.0.self_attn.q_proj.lora_B.weight", "score.weight"}));
  EXPECT_EQ(TrainedBy(WithTargets("q_proj,v_proj")).size(), 7u * 2 * 2 + 1);
  EXPECT_EQ(TrainedBy(WithTargets(".*layers\\.[01]\\.mlp\\..*")).size(), 2u * 3 * 2 + 1);
  LoraConfig dora = WithTargets("o_proj");
  dora.use_dora = true;
  EXPECT_EQ(TrainedBy(dora).size(), 7u * 3 + 1);
}

TEST(AttachLora, AllLinearIsNamedWhenItIsKnown) {
  SequenceClassifier classifier = test::TinyClassifier();
  LoraConfig config;
  AttachLora(*classifier, config, 1);
  EXPECT_THAT(config.target_modules, testing::UnorderedElementsAre("q_proj", "k_proj", "v_proj", "o_proj",
                                                                   "gate_proj", "up_proj", "down_proj"));
}

TEST(AttachLora, APatternBecomesThePathsThatItMatches) {
  SequenceClassifier classifier = test::TinyClassifier();
  LoraConfig config = WithTargets(".*\\.1\\.mlp\\..*");
  AttachLora(*classifier, config, 1);
  EXPECT_THAT(config.target_modules,
              testing::UnorderedElementsAre("model.layers.1.mlp.gate_proj", "model.layers.1.mlp.up_proj",
                                            "model.layers.1.mlp.down_proj"));
  EXPECT_EQ(config.target_pattern, "");
}

TEST(AttachLora, ModulesToSaveAreTrainedWholeAndNotAdapted) {
  LoraConfig config;
  config.modules_to_save = {"embed_tokens", "mlp"};
  const std::set<std::string> trained = TrainedBy(config);
  EXPECT_TRUE(trained.contains("model.embed_tokens.weight"));
  EXPECT_TRUE(trained.contains("model.layers.3.mlp.up_proj.weight"));
  EXPECT_FALSE(trained.contains("model.layers.3.mlp.up_proj.lora_A.weight"));
  EXPECT_TRUE(trained.contains("model.layers.3.self_attn.q_proj.lora_A.weight"));
}

TEST(AttachLora, AdaptersOfOneModelHaveStartsOfTheirOwn) {
  SequenceClassifier classifier = test::TinyClassifier();
  LoraConfig config;
  AttachLora(*classifier, config, 1);
  const auto parameters = classifier->named_parameters();
  EXPECT_GT(MaxDifference(parameters["model.layers.0.self_attn.k_proj.lora_A.weight"],
                          parameters["model.layers.0.self_attn.v_proj.lora_A.weight"]),
            0.0);
}

TEST(CheckTargets, WhatMatchesNothingIsAnErrorThatListsWhatThereIs) {
  const auto complaint = [](const LoraConfig& config) { return test::MessageOf([&] { TrainedBy(config); }); };
  const std::string names = "'q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'";
  EXPECT_THAT(complaint(WithTargets("q_proj,v_prj")),
              HasSubstr("'v_prj' matches no module (did you mean 'v_proj'?)"));
  EXPECT_THAT(complaint(WithTargets("q_proj,v_prj")), HasSubstr(names));
  EXPECT_THAT(complaint(WithTargets("q_proj.*x")), HasSubstr(names));
  EXPECT_THAT(complaint(WithTargets("score")), HasSubstr(names));  // trained whole already
  LoraConfig saved;
  saved.modules_to_save = {"lm_head"};
  EXPECT_THAT(complaint(saved), HasSubstr("`modules_to_save` 'lm_head' matches no module"));
  EXPECT_THAT(complaint(saved), HasSubstr("'embed_tokens'"));
}

TEST(SetTargetModules, RefusesWhatIsNeitherNamesNorAnExpression) {
  EXPECT_THAT(test::MessageOf([] { WithTargets("q_proj[("); }), HasSubstr("not a regular expression"));
  EXPECT_THAT(test::MessageOf([] { WithTargets("q_proj,,v_proj"); }), HasSubstr("empty name"));
  EXPECT_THAT(test::MessageOf([] { WithTargets("q_proj,"); }), HasSubstr("empty name"));
}

}  // namespace
}  // namespace gemtune::model
