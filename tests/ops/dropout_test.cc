#include "gemtune/ops/dropout.h"

#include "tests/ops/harness.h"

namespace gemtune::ops {
namespace {

TEST(Dropout, TheCompositionDrawsTheKernelsMasksAndRoundsAlike) {
  at::manual_seed(1);
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::randn({31, 17}).to(dtype);
    const at::Tensor dropped = Dropout(x, 0.3, 5);
    EXPECT_TRUE(at::equal(DropoutByAten(x, 0.3, 5), dropped));
    EXPECT_FALSE(at::equal(DropoutByAten(x, 0.3, 6), dropped));
    EXPECT_NEAR((dropped == 0).to(at::kFloat).mean().item<double>(), 0.3, 0.1);
    const test::WithoutKernels without;
    EXPECT_TRUE(at::equal(Dropout(x, 0.3, 5), dropped));
  }
}

TEST(Dropout, ByIndexWhateverTheStrides) {
  const at::Tensor x = at::randn({9, 14});
  EXPECT_TRUE(at::equal(Dropout(x.t(), 0.5, 3), Dropout(x.t().contiguous(), 0.5, 3)));
  EXPECT_TRUE(at::equal(DropoutByAten(x.t(), 0.5, 3), Dropout(x.t().contiguous(), 0.5, 3)));
}

TEST(Dropout, ACardDrawsTheProcessorsMasks) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const int64_t size : {1, 2, 511, 2001}) {
      const at::Tensor x = at::randn({size}).to(type), expected = Dropout(x, 0.3, 5);
      const test::WithCudaOnHost cuda_on_host;
      EXPECT_TRUE(at::equal(Dropout(x, 0.3, 5), expected));
      EXPECT_TRUE(at::equal(DropoutByAten(x, 0.3, 5), expected));
    }
  }
}

TEST(Dropout, ARateOfZeroKeepsAll) {
  const at::Tensor x = at::randn({3, 4});
  EXPECT_TRUE(Dropout(x, 0, 1).is_same(x));
  EXPECT_TRUE(DropoutByAten(x, 0, 1).is_same(x));
}

TEST(DropoutKey, IsAnotherForEveryPair) {
  EXPECT_NE(DropoutKey(1, 2), DropoutKey(2, 1));
  EXPECT_NE(DropoutKey(1, 2), DropoutKey(1, 3));
  EXPECT_EQ(DropoutKey(1, 2), DropoutKey(1, 2));
}

// The op has no gradient, the composition has.
std::vector<OpCase> Cases(bool is_composition) {
  std::vector<OpCase> cases;
  for (const int64_t width : VectorTails()) {
    const auto run = [is_composition](const Inputs& in) {
      const auto op = is_composition || in.is_reference() ? DropoutByAten : Dropout;
      return std::vector{op(in[0], 0.4, 7)};
    };
    cases.push_back({.name = fmt::format("3 rows of {}", width), .leaves = {Normal({3, width})}, .run = run});
  }
  return cases;
}

OP_ROW(
    Dropout, .cases = [] { return Cases(false); }, .tolerance = InEpsilons(1, 0.5), .has_gradients = false);
OP_ROW(
    DropoutByAten, .cases = [] { return Cases(true); }, .tolerance = InEpsilons(1, 1));

}  // namespace
}  // namespace gemtune::ops
