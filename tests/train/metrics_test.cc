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

TEST(RegressionMetrics, AConstantHasNoCorrelation) {
  const std::vector<float> targets = {1, 2}, constant = {3, 3};
  EXPECT_TRUE(RegressionMetrics(targets, constant)["pearson"].is_null());
}

}  // namespace
}  // namespace gemtune::train
