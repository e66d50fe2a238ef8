#include "gemtune/ops/sum_of_squares.h"

#include "tests/ops/harness.h"

namespace gemtune::ops {
namespace {

TEST(SumOfSquares, OfNothingAndBeyondTheRangeOfFloat) {
  EXPECT_EQ(SumOfSquares(at::empty({0, 4})).item<double>(), 0);
  EXPECT_GT(SumOfSquares(at::full({1000}, 1e20f)).item<double>(), 1e42);
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
