#include "gemtune/model/gemm_rate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

GemmRate Measured(at::ScalarType dtype) {
  GemmRate rate(test::TinyClassifier()->trunk()->config(), dtype, ops::Host());
  rate.Measure(5);
  rate.Measure(9);
  return rate;
}

TEST(GemmRate, AMixTakesTheTimeOfItsForms) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const GemmRate rate = Measured(dtype);
    const double forward = rate.AtenFlopsPerSecond({.forward = 1}),
                 input_gradient = rate.AtenFlopsPerSecond({.input_gradient = 1}),
                 weight_gradient = rate.AtenFlopsPerSecond({.weight_gradient = 1});
    EXPECT_GT(std::min({forward, input_gradient, weight_gradient}), 0);
    const double seconds = 200 / forward + 100 / input_gradient + 50 / weight_gradient;
    const double mixed = rate.AtenFlopsPerSecond(
        {.forward = 200, .input_gradient = 100, .weight_gradient = 50, .attention = 7});
    EXPECT_NEAR(mixed, 350 / seconds, 1e-9 * mixed);
  }
}

TEST(GemmRate, BothEnginesAreMeasured) {
  const GemmRate rate = Measured(at::kFloat);
  EXPECT_GT(rate.OwnFlopsPerSecond({.forward = 1}), 0);
  EXPECT_NE(rate.OwnFlopsPerSecond({.forward = 1}), rate.AtenFlopsPerSecond({.forward = 1}));
}

}  // namespace
}  // namespace gemtune::model
