#include "gemtune/model/gemm_rate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

GemmRate Measured(at::ScalarType dtype) {
  GemmRate rate(test::TinyClassifier()->trunk()->config(), dtype);
  rate.Measure(5);
  rate.Measure(9);
  return rate;
}

TEST(GemmRate, APassOfOneFormHasThatFormsRate) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const GemmRate rate = Measured(dtype);
    EXPECT_GT(rate.forward(), 0);
    EXPECT_DOUBLE_EQ(rate.FlopsPerSecond({.forward = 100}), rate.forward());
    EXPECT_DOUBLE_EQ(rate.FlopsPerSecond({.input_gradient = 100}), rate.input_gradient());
    EXPECT_DOUBLE_EQ(rate.FlopsPerSecond({.weight_gradient = 100}), rate.weight_gradient());
  }
}

TEST(GemmRate, AMixTakesTheTimeOfItsForms) {
  const GemmRate rate = Measured(at::kFloat);
  const double seconds = 200 / rate.forward() + 100 / rate.weight_gradient();
  EXPECT_DOUBLE_EQ(rate.FlopsPerSecond({.forward = 200, .weight_gradient = 100, .attention = 7}),
                   300 / seconds);
}

}  // namespace
}  // namespace gemtune::model
