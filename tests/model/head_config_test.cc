#include "gemtune/model/head_config.h"

#include <gmock/gmock.h>

#include "tests/support/message_of.h"

namespace gemtune::model {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

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

TEST(HeadFromConfig, KeepsTemperatureAndThresholds) {
  const ClassifierHead head{.problem_type = "multi_label_classification",
                            .label_names = {"a", "b"},
                            .temperature = 1.25,
                            .thresholds = {0.5, 0.125}};
  const Json config = ClassifierConfig(Json::object(), head, at::kFloat, 0);
  EXPECT_EQ(config["gemtune"].dump(), R"({"temperature":1.25,"thresholds":{"a":0.5,"b":0.125}})");
  const ClassifierHead read = HeadFromConfig(config, "c");
  EXPECT_EQ(read.temperature, head.temperature);
  EXPECT_EQ(read.thresholds, head.thresholds);
  // A model trained from this one begins without them.
  EXPECT_FALSE(ClassifierConfig(config, {"regression", {"LABEL_0"}}, at::kFloat, 0).contains("gemtune"));
  EXPECT_FALSE(CausalLmConfig(config, at::kFloat, 0).contains("gemtune"));
  for (const char* bad :
       {R"([])", R"({"temperature": 0})", R"({"temperature": "1"})", R"({"thresholds": {"a": 0.5}})",
        R"({"thresholds": [0.5, 0.5]})", R"({"thresholds": {"a": 0.5, "b": 1.5}})"}) {
    EXPECT_THAT(
        test::MessageOf([&] {
          HeadFromConfig({{"id2label", {{"0", "a"}, {"1", "b"}}}, {"gemtune", Json::parse(bad)}}, "c.json");
        }),
        HasSubstr("c.json: '"))
        << bad;
  }
}

TEST(ClassifierConfig, IsTheTextModelsWithTheHeads) {
  const Json source =
      Json::parse(R"({"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
      "text_config": {"model_type": "gemma3_text", "hidden_size": 16, "torch_dtype": "float16"}})");
  const ClassifierHead head{.problem_type = "regression", .label_names = {"LABEL_0"}};
  const Json config = ClassifierConfig(source, head, at::kBFloat16, 7);
  EXPECT_EQ(config["architectures"].dump(), R"(["Gemma3TextForSequenceClassification"])");
  EXPECT_EQ(config["model_type"], "gemma3_text");
  EXPECT_EQ(config["hidden_size"], 16);
  EXPECT_EQ(config["dtype"], "bfloat16");
  EXPECT_FALSE(config.contains("torch_dtype") || config.contains("text_config"));
  EXPECT_EQ(config["pad_token_id"], 7);
  const ClassifierHead read = HeadFromConfig(config, "c");
  EXPECT_EQ(read.problem_type, head.problem_type);
  EXPECT_EQ(read.label_names, head.label_names);
}

}  // namespace
}  // namespace gemtune::model
