#include "gemtune/ops/sum_of_squares.h"

#include "tests/ops/harness.h"

namespace gemtune::ops {
namespace {

TEST(SumOfSquares, OfNothingAndBeyondTheRangeOfFloat) {
  EXPECT_EQ(SumOfSquares(at::empty({0, 4})).item<double>(), 0);
  EXPECT_GT(SumOfSquares(at::full({1000}, 1e20f)).item<double>(), 1e42);
}

TEST(SumOfSquares, OfManyTensorsIsOneNumber) {
  at::manual_seed(1);
  std::vector<at::Tensor> tensors;
  double expected = 0;
  for (int64_t i = 0; i < 90; ++i) {
    tensors.push_back(at::randn({1 + i * i % 5000}).to(i % 2 == 0 ? at::kFloat : at::kBFloat16));
    expected += tensors.back().to(at::kDouble).square().sum().item<double>();
  }
  EXPECT_NEAR(SumOfSquares(tensors).item<double>(), expected, 1e-6 * expected);
  const test::WithCudaOnHost cuda_on_host;
  EXPECT_NEAR(SumOfSquares(tensors).item<double>(), expected, 1e-6 * expected);
}

std::vector<OpCase> SumOfSquaresOpCases() {
  std::vector<OpCase> cases;
  for (const auto& [rows, columns] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {3, 5}, {1, 33}, {301, 257}}) {
    for (const bool transposed : {false, true}) {
      cases.push_back(
          {.name = fmt::format("{} rows of {}{}", rows, columns, transposed ? ", transposed" : ""),
           .leaves = {Normal({rows, columns})},
           .run = [transposed](const Inputs& in) {
             return std::vector{SumOfSquares(transposed ? in[0].t() : in[0])};
           }});
    }
  }
  return cases;
}

OP_ROW(SumOfSquares, .cases = SumOfSquaresOpCases, .tolerance = {1e-6, 1e-6}, .results = Held::kDouble,
       .has_gradients = false);

}  // namespace
}  // namespace gemtune::ops
