#include "gemtune/ops/rope.h"

#include <complex>

#include "gemtune/ops/rms_norm.h"
#include "tests/ops/harness.h"

namespace gemtune::ops {
namespace {

using test::MaxDifference;
using test::RandomDouble;

TEST(RopeTable, HoldsTheAnglesOfThePaper) {
  const RopeTable table = MakeRopeTable(40, 8, 10'000.0, 1.0);
  for (const int64_t p : {0, 1, 39}) {
    for (int64_t i = 0; i < 4; ++i) {
      const double angle = static_cast<double>(p) * std::pow(10'000.0, -2.0 * static_cast<double>(i) / 8.0);
      EXPECT_NEAR(table.cos[p][i].item<double>(), std::cos(angle), 4e-6);
      EXPECT_NEAR(table.sin[p][i].item<double>(), std::sin(angle), 4e-6);
    }
  }
}

TEST(RopeTable, LinearScalingDividesPositions) {
  const RopeTable plain = MakeRopeTable(5, 8, 1e6, 1.0), scaled = MakeRopeTable(33, 8, 1e6, 8.0);
  EXPECT_LT(MaxDifference(scaled.cos[32], plain.cos[4]), 1e-6);
  EXPECT_LT(MaxDifference(scaled.sin[32], plain.sin[4]), 1e-6);
}

// A pair (x[i], x[i + d/2]) is a complex number that turns by its angle.
TEST(NormRope, TurnsNormalisedPairs) {
  at::manual_seed(0);
  const at::Tensor x = RandomDouble({3, 2, 8}), weight = RandomDouble({8});
  const at::Tensor positions = at::tensor({0, 5, 2}, at::kLong);
  const at::Tensor y = NormRope(x, weight, 1e-6, MakeRopeTable(6, 8, 100.0, 1.0), positions);
  const at::Tensor n = RmsNorm(x, weight, 1e-6);
  for (int64_t t = 0; t < 3; ++t) {
    for (int64_t h = 0; h < 2; ++h) {
      for (int64_t i = 0; i < 4; ++i) {
        const double angle =
            positions[t].item<double>() * std::pow(100.0, -2.0 * static_cast<double>(i) / 8.0);
        const std::complex<double> pair(n[t][h][i].item<double>(), n[t][h][i + 4].item<double>());
        const std::complex<double> turned = pair * std::polar(1.0, angle);
        EXPECT_NEAR(y[t][h][i].item<double>(), turned.real(), 1e-6);
        EXPECT_NEAR(y[t][h][i + 4].item<double>(), turned.imag(), 1e-6);
      }
    }
  }
}

std::vector<OpCase> RopeOpCases() {
  std::vector<OpCase> cases;
  for (const auto& [heads, head_dim] : std::vector<std::pair<int64_t, int64_t>>{{2, 6},
                                                                                {1, 2},
                                                                                {3, 14},
                                                                                {1, 16},
                                                                                {2, 18},
                                                                                {1, 30},
                                                                                {2, 32},
                                                                                {1, 34},
                                                                                {2, 64},
                                                                                {1, 66},
                                                                                {4, 256}}) {
    cases.push_back({.name = fmt::format("{} heads of {}", heads, head_dim),
                     .leaves = {Normal({3, heads, head_dim}), Normal({head_dim}, 0.5)},
                     .run = [table = MakeRopeTable(40, head_dim, 100.0, 1.0)](const Inputs& in) {
                       return std::vector{NormRope(in[0], in[1], 0.1,
                                                   {table.cos.to(in.device), table.sin.to(in.device)},
                                                   at::tensor({0, 39, 2}, at::kLong).to(in.device))};
                     }});
  }
  return cases;
}

OP_ROW(NormRope, .cases = RopeOpCases, .tolerance = InEpsilons(6, 1));

}  // namespace
}  // namespace gemtune::ops
