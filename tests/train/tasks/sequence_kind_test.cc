#include "gemtune/train/tasks/sequence_kind.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/message_of.h"

namespace gemtune::train {
namespace {

using testing::HasSubstr;

const SequenceKind& Kind(const std::string& task) {
  return FindSequenceKind(&SequenceKind::task, task);
}

// Right in three of four cases, and always as sure.
const at::Tensor kLogits = at::tensor({0.0f, 2.0f, 2.0f, 0.0f, 0.0f, 2.0f, 0.0f, 2.0f}).view({4, 2});
const at::Tensor kTargets = at::tensor({1.0f, 0.0f, 1.0f, 0.0f}).view({4, 1});

data::Dataset Labelled(const std::string& task, std::vector<float> values) {
  data::Examples examples{
      .label_values = std::move(values), .label_kind = Kind(task).label_kind, .labels = {{"a", "b"}}};
  const auto width = static_cast<size_t>(data::LabelWidth(examples.label_kind, examples.labels));
  for (size_t i = 0; i < examples.label_values.size() / width; ++i) {
    examples.ids.push_back(2);
    examples.offsets.push_back(std::ssize(examples.ids));
    examples.truncated.push_back(0);
  }
  return data::Dataset(std::move(examples));
}

TEST(SequenceKind, CalibratesTheScoresAndSaysWhatTheyWereBefore) {
  const SequenceKind& kind = Kind("classification");
  model::ClassifierHead head{.problem_type = kind.problem_type, .label_names = {"a", "b"}};
  const Metrics raw = kind.measure(kLogits, kTargets, head, 0);
  EXPECT_FALSE(raw.contains("uncalibrated_log_loss"));
  const Metrics fitted = kind.fit(kLogits, kTargets, {.calibrate = true}, head);
  EXPECT_NEAR(head.temperature, 2 / std::log(3.0), 1e-6);
  EXPECT_EQ(fitted["temperature"], head.temperature);
  EXPECT_NEAR(fitted["expected_calibration_error"]["after"].get<double>(), 0, 1e-6);
  const Metrics metrics = kind.measure(kLogits, kTargets, head, 0);
  EXPECT_EQ(metrics["uncalibrated_log_loss"], raw["log_loss"]);
  EXPECT_EQ(metrics["uncalibrated_expected_calibration_error"], raw["expected_calibration_error"]);
  EXPECT_LT(metrics["log_loss"].get<double>(), raw["log_loss"].get<double>());
  EXPECT_EQ(metrics["accuracy"], raw["accuracy"]);
}

TEST(SequenceKind, AScoreBelowTheLeastDecidesNothing) {
  const SequenceKind& kind = Kind("classification");
  const at::Tensor logits = at::tensor({0.0f, 3.0f, 1.0f, 0.0f, 0.0f, 0.2f, 4.0f, 0.0f}).view({4, 2});
  const model::ClassifierHead head{.problem_type = kind.problem_type, .label_names = {"a", "b"}};
  const Metrics metrics = kind.measure(logits, kTargets, head, 0.8);  // the first and the last
  EXPECT_EQ(metrics["coverage"], 0.5);
  EXPECT_EQ(metrics["covered_accuracy"], 1.0);
  EXPECT_TRUE(kind.measure(logits, kTargets, head, 1)["covered_accuracy"].is_null());
  const auto found = infer::Predictions(logits, head);
  EXPECT_TRUE(kind.line(found[1], head, {.min_score = 0.8})["label"].is_null());
  EXPECT_EQ(kind.line(found[0], head, {.min_score = 0.8})["label"], "b");
  EXPECT_EQ(kind.line(found[3], head, {.top_k = 1})["scores"].size(), 1u);
  EXPECT_EQ(kind.line(found[0], head, {.top_k = 5})["scores"].begin().key(), "b");
}

TEST(SequenceKind, FindsThresholdsOfLabels) {
  const SequenceKind& kind = Kind("multi-label");
  // a is given too seldom at 1/2, b too often.
  const at::Tensor logits = at::tensor({-0.5f, 2.0f, -1.0f, 1.0f, -3.0f, 3.0f, -4.0f, 0.5f}).view({4, 2});
  const at::Tensor labels = at::tensor({1.0f, 1.0f, 1.0f, 0.0f, 0.0f, 1.0f, 0.0f, 0.0f}).view({4, 2});
  model::ClassifierHead head{.problem_type = kind.problem_type, .label_names = {"a", "b"}};
  EXPECT_LT(kind.measure(logits, labels, head, 0)["macro_f1"].get<double>(), 0.5);
  const Metrics fitted = kind.fit(logits, labels, {.tune_thresholds = "f1"}, head);
  EXPECT_EQ(fitted["thresholds"]["a"]["f1"], 1.0);
  EXPECT_EQ(kind.measure(logits, labels, head, 0)["accuracy"], 1.0);
  const auto found = infer::Predictions(logits, head);
  EXPECT_EQ(kind.line(found[0], head, {})["labels"].dump(), R"(["a","b"])");
  EXPECT_EQ(kind.line(found[3], head, {})["labels"].dump(), "[]");
  const auto line = kind.line(found[0], head, {.min_score = 0.7});
  EXPECT_EQ(line["labels"].dump(), R"(["b"])");
  EXPECT_EQ(line["undecided"].dump(), R"(["a"])");
  EXPECT_DOUBLE_EQ(kind.measure(logits, labels, head, 0.7)["coverage"].get<double>(), 6.0 / 8);
}

TEST(SequenceKind, RefusesValidationDataThatSaysNothing) {
  const auto fault = [](const std::string& task, std::vector<float> values, const TaskOptions& options) {
    return test::MessageOf([&] { Kind(task).check_fit(Labelled(task, values), options); });
  };
  const TaskOptions calibrate{.calibrate = true}, tune{.tune_thresholds = "f1"};
  EXPECT_THAT(fault("classification", {1, 1, 1}, calibrate),
              HasSubstr("all 3 validation examples are of one class, 'b'"));
  EXPECT_NO_THROW(Kind("classification").check_fit(Labelled("classification", {1, 0, 1}), calibrate));
  EXPECT_NO_THROW(Kind("classification").check_fit(Labelled("classification", {1, 1}), {}));
  EXPECT_THAT(fault("multi-label", {1, 0, 1, 0}, tune),
              HasSubstr("no validation example has 'b'; a threshold needs some"));
  EXPECT_THAT(fault("multi-label", {1, 0, 1, 0}, calibrate), HasSubstr("have the same labels"));
  EXPECT_NO_THROW(Kind("multi-label").check_fit(Labelled("multi-label", {1, 0, 1, 1}), tune));
}

}  // namespace
}  // namespace gemtune::train
