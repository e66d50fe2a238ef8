#include "gemtune/infer/prediction.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/message_of.h"

namespace gemtune::infer {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::IsEmpty;

const at::Tensor kLogits = at::tensor({0.0f, 2.0f, -1.0f, 3.0f, 0.5f, 3.0f}).view({2, 3});

TEST(Predictions, OfOneLabelAreTheBestClass) {
  const auto found = Predictions(kLogits, {"single_label_classification", {"a", "b", "c"}});
  ASSERT_EQ(found.size(), 2u);
  const double sum = 1 + std::exp(2) + std::exp(-1);
  EXPECT_EQ(found[0].label, "b");
  EXPECT_NEAR(found[0].score, std::exp(2) / sum, 1e-6);
  EXPECT_NEAR(found[0].scores[2], std::exp(-1) / sum, 1e-6);
  EXPECT_THAT(found[0].logits, ElementsAre(0, 2, -1));
  EXPECT_THAT(found[0].labels, IsEmpty());
  EXPECT_EQ(found[1].label, "a");  // the first of equal ones
}

TEST(Predictions, OfSeveralLabelsAreThoseThatAreLikely) {
  const auto found = Predictions(kLogits, {"multi_label_classification", {"a", "b", "c"}});
  EXPECT_THAT(found[0].labels, ElementsAre("b"));  // 0 is not above 1/2
  EXPECT_THAT(found[1].labels, ElementsAre("a", "b", "c"));
  EXPECT_THAT(found[0].scores, ElementsAre(0.5f, testing::FloatNear(1 / (1 + std::exp(-2.0f)), 1e-6f),
                                           testing::FloatNear(1 / (1 + std::exp(1.0f)), 1e-6f)));
  EXPECT_EQ(found[0].label, "");
}

TEST(Predictions, ScoresAreAtTheHeadsTemperature) {
  const model::ClassifierHead head{
      .problem_type = "single_label_classification", .label_names = {"a", "b", "c"}, .temperature = 2};
  const double sum = 1 + std::exp(1) + std::exp(-0.5);
  const auto found = Predictions(kLogits, head);
  EXPECT_NEAR(found[0].score, std::exp(1) / sum, 1e-6);
  EXPECT_THAT(found[0].logits, ElementsAre(0, 2, -1));
}

TEST(Predictions, LabelsHaveThresholdsOfTheirOwn) {
  const auto found = Predictions(kLogits, {.problem_type = "multi_label_classification",
                                           .label_names = {"a", "b", "c"},
                                           .temperature = 2,
                                           .thresholds = {0.49, 0.75, 0.3}});
  EXPECT_THAT(found[0].labels, ElementsAre("a", "c"));  // scores 0.5, 0.731, 0.378
}

TEST(Predictions, OfARegressionAreItsOutputs) {
  const auto found = Predictions(kLogits.narrow(1, 1, 1), {"regression", {"LABEL_0"}});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].scores, ElementsAre(2));
  EXPECT_THAT(found[1].scores, ElementsAre(0.5f));
  EXPECT_THAT(found[1].logits, ElementsAre(0.5f));
  EXPECT_EQ(found[0].label, "");
}

TEST(Predictions, OfAnotherProblemAreAnError) {
  EXPECT_THAT(test::MessageOf([] {
                Predictions(kLogits, {"ranking", {"a", "b", "c"}});
              }),
              testing::HasSubstr("problem_type 'ranking' is not known"));
}

}  // namespace
}  // namespace gemtune::infer
