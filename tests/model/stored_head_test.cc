#include "gemtune/model/stored_head.h"

#include <gmock/gmock.h>

#include "gemtune/base/file.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

class StoredHead : public test::TempDir {
 protected:
  StoredHead() { test::WriteTinyModel(dir_ / "base"); }
};

TEST_F(StoredHead, ABaseModelIsNoTrainedClassifier) {
  const auto complaint = [&] {
    return test::MessageOf([&] { HeadOfTrained(ModelSource::Open(dir_ / "base")); });
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
TEST_F(StoredHead, TheDefaultLabelsOfTransformersNeedNotBeNamed) {
  const auto head = [&](int64_t outputs, const Json& more) {
    Json config = Json::parse(ReadFile(dir_ / "base" / "config.json"));
    config.update(more);
    WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
    test::RewriteTinyModel(dir_ / "base", {{"score.weight", {outputs, 16}}});
    return HeadOfTrained(ModelSource::Open(dir_ / "base"));
  };
  EXPECT_EQ(head(2, Json::object()).label_names, (std::vector<std::string>{"LABEL_0", "LABEL_1"}));
  EXPECT_EQ(head(3, {{"num_labels", 3}}).label_names,
            (std::vector<std::string>{"LABEL_0", "LABEL_1", "LABEL_2"}));
  const ClassifierHead one = head(1, {{"id2label", nullptr}, {"num_labels", 1}});
  EXPECT_EQ(one.problem_type, "regression");
}

TEST_F(StoredHead, RowsAreReadByTheNamesOfTheirOutputs) {
  const ClassifierHead others{.problem_type = "single_label_classification", .label_names = {"a", "b"}};
  const at::Tensor weight = at::full({3, 16}, 7.0f);
  EXPECT_FALSE(FindHead(ModelSource::Open(dir_ / "base")));
  EXPECT_FALSE(LoadHeadRows(ModelSource::Open(dir_ / "base"), others, weight));
  Json config = Json::parse(ReadFile(dir_ / "base" / "config.json"));
  config["id2label"] = {{"0", "no"}, {"1", "yes"}};
  WriteFileAtomically(dir_ / "base" / "config.json", config.dump());
  test::RewriteTinyModel(dir_ / "base", {{"score.weight", {2, 16}}});
  const ModelSource source = ModelSource::Open(dir_ / "base");
  ASSERT_TRUE(FindHead(source));
  EXPECT_EQ(FindHead(source)->label_names, (std::vector<std::string>{"no", "yes"}));
  EXPECT_FALSE(LoadHeadRows(source, others, weight));
  EXPECT_EQ(weight.min().item<float>(), 7);
  const ClassifierHead more{.problem_type = others.problem_type, .label_names = {"maybe", "yes", "no"}};
  EXPECT_TRUE(LoadHeadRows(source, more, weight));
  EXPECT_EQ(weight[0].min().item<float>(), 7);  // as it was
  EXPECT_EQ(weight.narrow(0, 1, 2).abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace gemtune::model
