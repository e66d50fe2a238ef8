#include "gemtune/train/metrics.h"

#include <gtest/gtest.h>

namespace gemtune::train {
namespace {

// The expected numbers are scikit-learn's, with zero_division=0.

TEST(SingleLabelMetrics, EqualsScikitLearn) {
  const std::vector<int64_t> targets = {0, 0, 1, 1, 2, 2, 2, 0}, predictions = {0, 1, 1, 1, 2, 0, 2, 0};
  const Metrics m = SingleLabelMetrics(targets, predictions, {"a", "b", "c", "d"});
  EXPECT_EQ(m["accuracy"], 0.75);
  EXPECT_NEAR(m["macro_f1"].get<double>(), 0.7555555555555555, 1e-12);  // over the three classes that occur
  EXPECT_NEAR(m["per_class"]["a"]["precision"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_NEAR(m["per_class"]["b"]["f1"].get<double>(), 0.8, 1e-12);
  EXPECT_NEAR(m["per_class"]["c"]["recall"].get<double>(), 2.0 / 3, 1e-12);
  EXPECT_EQ(m["per_class"]["c"]["support"], 3);
  EXPECT_EQ(m["per_class"]["d"]["f1"], 0.0);
  EXPECT_EQ(m["confusion_matrix"].dump(), "[[2,1,0,0],[0,2,0,0],[1,0,2,0],[0,0,0,0]]");
}

std::vector<std::string> Names(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back("c" + std::to_string(i));
  return names;
}

// Class c is taken for c + 1 in c of 30 rows.
Metrics OfManyClasses(size_t count) {
  std::vector<int64_t> targets, predictions;
  for (size_t c = 0; c < count; ++c) {
    for (size_t row = 0; row < 30; ++row) {
      targets.push_back(static_cast<int64_t>(c));
      predictions.push_back(static_cast<int64_t>(row < c && c + 1 < count ? c + 1 : c));
    }
  }
  return SingleLabelMetrics(targets, predictions, Names(count));
}

TEST(SingleLabelMetrics, ThousandsOfClassesHaveNoMatrixButTheirErrors) {
  const Metrics matrix = OfManyClasses(25)["confusion_matrix"];
  EXPECT_EQ(matrix[3][4], 3);
  EXPECT_EQ(matrix[3][3], 27);
  const Metrics m = OfManyClasses(kMatrixClasses + 1);
  EXPECT_FALSE(m.contains("confusion_matrix"));
  EXPECT_EQ(m["confusions"].size(), kMatrixClasses - 1);  // neither the first nor the last has errors
  EXPECT_EQ(m["confusions"][0].dump(), "[30,31,30]");
  EXPECT_EQ(m["confusions"].back().dump(), "[1,2,1]");
  EXPECT_EQ(m["per_class"].size(), kMatrixClasses + 1);
}

TEST(Concise, ShowsTheWorstOfManyClasses) {
  const Metrics few = OfManyClasses(20);
  EXPECT_EQ(Concise(few), few);
  for (const size_t count : {size_t{25}, kMatrixClasses + 1}) {
    const Metrics all = OfManyClasses(count), m = Concise(all);
    EXPECT_FALSE(m.contains("per_class") || m.contains("confusion_matrix") || m.contains("confusions"));
    EXPECT_EQ(m["accuracy"], all["accuracy"]);
    ASSERT_EQ(m["worst_confusions"].size(), 10u);
    const size_t worst = std::min<size_t>(count - 2, 30);
    EXPECT_EQ(
        m["worst_confusions"][0],
        (Metrics{{"true", Names(count)[worst]}, {"predicted", Names(count)[worst + 1]}, {"count", worst}}));
    ASSERT_EQ(m["worst_classes"].size(), 10u);
    EXPECT_EQ(m["worst_classes"].front(), all["per_class"][m["worst_classes"].items().begin().key()]);
    EXPECT_LE(m["worst_classes"].front()["f1"], m["worst_classes"].back()["f1"]);
  }
  std::vector<uint8_t> labels(30, 1);
  EXPECT_EQ(Concise(MultiLabelMetrics(labels, labels, Names(30)))["worst_classes"].size(), 10u);
}

TEST(Text, KeepsARowOfNumbersOnALine) {
  const Metrics m = {{"a", 0.5}, {"m", {{1, 2}, {3, 4}}}, {"o", {{"x", nullptr}}}, {"e", Metrics::array()}};
  EXPECT_EQ(Text(m),
            "{\n  \"a\": 0.5,\n  \"m\": [\n    [1, 2],\n    [3, 4]\n  ],\n  \"o\": {\n    \"x\": null\n  },\n"
            "  \"e\": []\n}");
  EXPECT_EQ(Metrics::parse(Text(OfManyClasses(25))), OfManyClasses(25));
}

TEST(MultiLabelMetrics, EqualsScikitLearn) {
  const std::vector<uint8_t> targets = {1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0};
  const std::vector<uint8_t> predictions = {1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1};
  const Metrics m = MultiLabelMetrics(targets, predictions, {"a", "b", "c"});
  EXPECT_EQ(m["accuracy"], 0.25);
  EXPECT_NEAR(m["micro_f1"].get<double>(), 0.6666666666666666, 1e-12);
  EXPECT_NEAR(m["macro_f1"].get<double>(), 0.5555555555555555, 1e-12);
  EXPECT_EQ(m["per_class"]["b"]["recall"], 0.5);
  EXPECT_EQ(m["per_class"]["c"]["f1"], 0.0);
}

TEST(RegressionMetrics, EqualsNumPy) {
  const std::vector<float> targets = {1, 2, 3.5f, -1}, predictions = {1.5f, 2, 3, 0};
  const Metrics m = RegressionMetrics(targets, predictions);
  EXPECT_NEAR(m["mse"].get<double>(), 0.375, 1e-12);
  EXPECT_NEAR(m["mae"].get<double>(), 0.5, 1e-12);
  EXPECT_NEAR(m["pearson"].get<double>(), 0.9978143756556662, 1e-12);
}

TEST(RegressionMetrics, OfSeveralOutputsTheMeanOverThem) {
  const std::vector<float> targets = {1, 7, 2, 7, 4, 7}, predictions = {1, 6, 3, 7, 5, 8};
  const Metrics m = RegressionMetrics(targets, predictions, 2);
  EXPECT_NEAR(m["mse"].get<double>(), 4.0 / 6, 1e-12);
  EXPECT_NEAR(m["mae"].get<double>(), 4.0 / 6, 1e-12);
  EXPECT_NEAR(m["pearson"].get<double>(), 0.9819805060619657,
              1e-9);  // the second output's target is constant
}

TEST(RegressionMetrics, AConstantHasNoCorrelation) {
  const std::vector<float> targets = {1, 2}, constant = {3, 3};
  EXPECT_TRUE(RegressionMetrics(targets, constant)["pearson"].is_null());
}

}  // namespace
}  // namespace gemtune::train
