#include "gemtune/ops/rms_norm.h"

#include "tests/ops/harness.h"

namespace gemtune::ops {
namespace {

using test::MaxDifference;
using test::RandomDouble;

// The equation, one row at a time.
at::Tensor Plain(const at::Tensor& x, const at::Tensor& weight, double eps) {
  at::Tensor y = at::empty_like(x, at::kDouble);
  const auto in = x.to(at::kDouble), w = weight.to(at::kDouble);
  for (int64_t r = 0; r < x.size(0); ++r) {
    double sum = 0;
    for (int64_t i = 0; i < x.size(1); ++i) sum += std::pow(in[r][i].item<double>(), 2);
    const double scale = 1.0 / std::sqrt(sum / static_cast<double>(x.size(1)) + eps);
    for (int64_t i = 0; i < x.size(1); ++i) y[r][i] = in[r][i] * scale * (1.0 + w[i]);
  }
  return y;
}

TEST(RmsNorm, EqualsTheEquation) {
  at::manual_seed(0);
  for (const int64_t dim : {1, 7, 16}) {
    const at::Tensor x = RandomDouble({3, dim}) * 5, weight = RandomDouble({dim});
    EXPECT_LT(MaxDifference(RmsNorm(x, weight, 1e-6), Plain(x, weight, 1e-6)), 1e-12);
  }
}

TEST(RmsNorm, RoundsBFloat16OnceAtTheEnd) {
  at::manual_seed(0);
  const at::Tensor x = at::randn({4, 64}).to(at::kBFloat16), weight = at::randn({64}).to(at::kBFloat16);
  const at::Tensor y = RmsNorm(x, weight, 1e-6);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_EQ(MaxDifference(y, Plain(x, weight, 1e-6).to(at::kBFloat16)), 0.0);
}

TEST(RmsNorm, TheResultHasTheWeightsType) {
  at::manual_seed(0);
  const at::Tensor x = at::randn({4, 64}), weight = at::randn({64}).to(at::kBFloat16);
  EXPECT_EQ(MaxDifference(RmsNorm(x, weight, 1e-6), Plain(x, weight, 1e-6).to(at::kBFloat16)), 0.0);
}

TEST(AddRmsNorm, AddsToTheResidualWithoutRoundingBetween) {
  at::manual_seed(0);
  const at::Tensor residual = at::randn({4, 64}), x = at::randn({4, 64}).to(at::kBFloat16),
                   weight = at::randn({64}).to(at::kBFloat16);
  const at::Tensor y = AddRmsNorm(residual, x, weight, 1e-6);
  EXPECT_EQ(y.scalar_type(), at::kFloat);
  EXPECT_LT(MaxDifference(y, residual + Plain(x, weight, 1e-6)), 2e-6);
}

TEST(RmsNorm, AZeroRowStaysZero) {
  EXPECT_EQ(MaxDifference(RmsNorm(at::zeros({1, 8}), at::ones({8}), 1e-6), at::zeros({1, 8})), 0.0);
}

// Rows of one number up to two vectors of the widest kind and one more; few rows and more than a thread
// takes.
std::vector<std::pair<int64_t, int64_t>> Sizes() {
  std::vector<std::pair<int64_t, int64_t>> sizes = {{3, 5}, {1, 33}, {70, 24}};
  for (const int64_t dim : VectorTails()) sizes.emplace_back(3, dim);
  return sizes;
}

std::vector<OpCase> RmsNormCases() {
  std::vector<OpCase> cases;
  for (const auto& [rows, dim] : Sizes()) {
    for (const Held x : {Held::kWide, Held::kAsTheModel}) {
      cases.push_back({.name = fmt::format("{} rows of {}{}", rows, dim, x == Held::kWide ? ", wide" : ""),
                       .leaves = {Normal({rows, dim}, 2, x), Normal({dim}, 0.5)},
                       .run = [](const Inputs& in) { return std::vector{RmsNorm(in[0], in[1], 0.1)}; }});
    }
  }
  return cases;
}

std::vector<OpCase> AddRmsNormCases() {
  std::vector<OpCase> cases;
  for (const auto& [rows, dim] : Sizes()) {
    cases.push_back(
        {.name = fmt::format("{} rows of {}", rows, dim),
         .leaves = {Normal({rows, dim}, 2, Held::kWide), Normal({rows, dim}), Normal({dim}, 0.5)},
         .run = [](const Inputs& in) { return std::vector{AddRmsNorm(in[0], in[1], in[2], 0.1)}; }});
  }
  return cases;
}

OP_ROW(RmsNorm, .cases = RmsNormCases, .tolerance = InEpsilons(10, 1));
OP_ROW(AddRmsNorm, .cases = AddRmsNormCases, .tolerance = InEpsilons(24, 1), .results = Held::kWide);

}  // namespace
}  // namespace gemtune::ops
