#include "gemtune/infer/classifier.h"

#include <gmock/gmock.h>

#include "gemtune/data/table.h"
#include "tests/support/message_of.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_classifier.h"
#include "tests/support/tiny_model.h"

namespace gemtune::infer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ClassifierTest : public test::TempDir {
 protected:
  ClassifierTest() {
    test::WriteTinyModel(dir_ / "base");
    model::PretrainedClassifier classifier = test::Classifier(dir_ / "base");
    const at::NoGradGuard no_grad;
    classifier.model->score()->weight.normal_();
    classifier.Save(dir_ / "model");
  }
};

TEST_F(ClassifierTest, PredictsWhatTheModelComputes) {
  model::PretrainedClassifier loaded = model::PretrainedClassifier::FromTrained(dir_ / "model");
  loaded.model->eval();
  const at::NoGradGuard no_grad;
  Classifier classifier(dir_ / "model");
  EXPECT_THAT(classifier.classes(), ElementsAre("no", "yes"));
  const std::vector<std::string> texts = {"the moth", "", "a"};
  const std::vector<Prediction> found = classifier.Predict(texts);
  ASSERT_EQ(found.size(), 3u);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<int32_t> ids = loaded.tokenizer.Encode(texts[i]);
    const at::Tensor logits = loaded.model(at::tensor(std::vector<int64_t>(ids.begin(), ids.end())),
                                           std::vector<int32_t>{0, static_cast<int32_t>(ids.size())});
    EXPECT_NEAR(found[i].logits.at(0), logits[0][0].item<float>(), 1e-5);
    EXPECT_NEAR(found[i].logits.at(1), logits[0][1].item<float>(), 1e-5);
    EXPECT_EQ(found[i].label, found[i].logits[1] > found[i].logits[0] ? "yes" : "no");
    EXPECT_GE(found[i].score, 0.5f);
  }
  const auto listed = classifier.Predict({"a", "the moth"});
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_NEAR(listed[1].score, found[0].score, 1e-5);
  EXPECT_TRUE(classifier.Predict(std::vector<std::string>{}).empty());
}

TEST_F(ClassifierTest, TextsAreCutAtMaxLength) {
  Classifier cut(dir_ / "model", {.max_length = 3}), whole(dir_ / "model");
  EXPECT_EQ(cut.Predict({"abcdef"})[0].logits, whole.Predict({"ab"})[0].logits);
  EXPECT_NE(whole.Predict({"abcdef"})[0].logits, whole.Predict({"ab"})[0].logits);
}

TEST_F(ClassifierTest, ATextThatCannotBeUsedIsNamedByItsNumber) {
  Classifier classifier(dir_ / "model");
  EXPECT_EQ(test::MessageOf([&] { classifier.Predict({"a", "\xc3"}); }), "text 2: is not valid UTF-8");
  EXPECT_EQ(test::MessageOf([&] { classifier.Predict({std::string(data::kMaxTextBytes + 1, 'x')}); }),
            "text 1: is longer than 4 MB");
}

TEST_F(ClassifierTest, AnAdapterGoesOnTheBaseThatIsNamed) {
  model::PretrainedClassifier classifier = test::Classifier(dir_ / "base");
  classifier.AddAdapter({.r = 2}, "nowhere", 1);
  test::MoveTrained(classifier);
  classifier.Save(dir_ / "adapter");
  EXPECT_THAT(test::MessageOf([&] { Classifier(dir_ / "adapter"); }), HasSubstr("name it with `base_model`"));
  Classifier found(dir_ / "adapter", {.base_model = dir_ / "base"});
  EXPECT_NE(found.Predict({"a"})[0].logits, Classifier(dir_ / "model").Predict({"a"})[0].logits);
}

}  // namespace
}  // namespace gemtune::infer
