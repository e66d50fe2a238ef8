#include "gemtune/ops/matmul.h"

#include <ATen/ATen.h>

#include "tests/ops/projection_cases.h"

namespace gemtune::ops {
namespace {

TEST(Matmul, TheGradientOfAThinWeightIsContiguousToo) {
  EXPECT_TRUE(LinearWeightGradient(at::ones({131, 3}, at::kBFloat16), at::ones({131, 90}, at::kBFloat16))
                  .is_contiguous());
}

// Rounded to 8 bits: 1 part in 100 off in the mean, whatever lies how.
TEST(Matmul, Int8IsCloseToTheProductsInDouble) {
  if (!HasInt8Products()) GTEST_SKIP() << "this processor has neither AVX512-VNNI nor AVX-VNNI";
  at::manual_seed(0);
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = at::randn({131, 50}).to(dtype).narrow(1, 7, 40),
                     dy = at::randn({131, 30}).to(dtype).narrow(1, 3, 20), w = at::randn({20, 40}).to(dtype);
    const at::Tensor xd = x.to(at::kDouble), dyd = dy.to(at::kDouble), wd = w.to(at::kDouble);
    const auto distance = [&](const at::Tensor& actual, const at::Tensor& expected) {
      EXPECT_EQ(actual.scalar_type(), dtype);
      return ((actual.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
    };
    const double output = distance(LinearOutput(x, w, MatmulDtype::kInt8), xd.mm(wd.t())),
                 gradient = distance(LinearInputGradient(dy, w, MatmulDtype::kInt8), dyd.mm(wd));
    EXPECT_LT(output, 0.015);
    EXPECT_LT(gradient, 0.015);
    EXPECT_GT(output, 0.002);  // it is 8 bits
    EXPECT_GT(gradient, 0.002);
  }
}

TEST(Matmul, TakesDoubleThroughATen) {
  const at::Tensor x = test::RandomDouble({70, 4}), w = test::RandomDouble({3, 4});
  EXPECT_LT(test::MaxDifference(LinearOutput(x, w), x.mm(w.t())), 1e-15);
}

// By our own engine (many rows), by ATen (few), in 8 bits and in double: as with the numbers themselves.
TEST(Matmul, AWeightInBlocksGivesTheSameBits) {
  at::manual_seed(0);
  const MatmulWeight kept({test::RandomBlockRows(kernels::BlockType::kQ5_0, 21, 96, 1),
                           test::RandomBlockRows(kernels::BlockType::kQ8_0, 12, 96, 2)});
  EXPECT_EQ(kept.rows(), 33);
  EXPECT_EQ(kept.columns(), 96);
  for (const MatmulDtype way : {MatmulDtype::kOperands, MatmulDtype::kInt8}) {
    if (way == MatmulDtype::kInt8 && !HasInt8Products()) continue;
    for (const auto dtype : {at::kFloat, at::kBFloat16, at::kDouble}) {
      const at::Tensor w = kept.Numbers(dtype);
      for (const int64_t rows : {3, 131}) {
        const at::Tensor x = at::randn({rows, 96}).to(dtype), dy = at::randn({rows, 33}).to(dtype),
                         u = at::randn({rows, 5}).to(dtype), a = at::randn({5, 96}).to(dtype),
                         b = at::randn({33, 5}).to(dtype);
        EXPECT_TRUE(at::equal(LinearOutput(x, kept, way, {u, b}), LinearOutput(x, w, way, {u, b})));
        EXPECT_TRUE(
            at::equal(LinearInputGradient(dy, kept, way, {u, a}), LinearInputGradient(dy, w, way, {u, a})));
      }
    }
  }
}

// In inference mode few rows are multiplied by a kernel of their own, which rounds blocks to no other type
// and gives a row the same bits among any rows.
TEST(Matmul, FewRowsInInferenceModeReadTheWeightAsItIs) {
  const c10::InferenceMode inference;
  at::manual_seed(0);
  const MatmulWeight kept({test::RandomBlockRows(kernels::BlockType::kQ5_0, 21, 96, 1),
                           test::RandomBlockRows(kernels::BlockType::kQ8_0, 12, 96, 2)});
  const auto wide = [](const at::Tensor& t) { return t.to(at::kDouble); };
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const MatmulDtype way : {MatmulDtype::kOperands, MatmulDtype::kInt8}) {
      const at::Tensor x = at::randn({40, 96}).to(dtype), u = at::randn({40, 5}).to(dtype),
                       b = at::randn({33, 5}).to(dtype);
      const at::Tensor y = LinearOutput(x, kept, way, {u, b});
      const at::Tensor exact = wide(x).mm(wide(kept.Numbers(at::kFloat)).t()) + wide(u).mm(wide(b).t());
      const double epsilon = dtype == at::kFloat ? 1e-5 : 1.0 / 256;
      EXPECT_TRUE(at::allclose(wide(y), exact, /*rtol=*/epsilon, /*atol=*/1e-4));
      EXPECT_TRUE(
          at::equal(LinearOutput(x.narrow(0, 7, 1), kept, way, {u.narrow(0, 7, 1), b}), y.narrow(0, 7, 1)));
    }
  }
}

TEST(Matmul, NoRowsGiveNoRows) {
  const c10::InferenceMode inference;
  const MatmulWeight kept({test::RandomBlockRows(kernels::BlockType::kQ8_0, 12, 96, 2)});
  EXPECT_EQ(LinearOutput(at::empty({0, 96}), kept).sizes(), (at::IntArrayRef{0, 12}));
  EXPECT_EQ(LinearOutput(at::empty({0, 96}), at::ones({4, 96})).sizes(), (at::IntArrayRef{0, 4}));
}

// Those of a projection, and across the engine's stripes of 96 columns, its blocks of 768 and, of a
// transposed side, of 256 depths.
std::vector<ProjectionSize> ProductSizes() {
  std::vector<ProjectionSize> sizes = ProjectionSizes();
  for (const auto& size :
       std::vector<ProjectionSize>{{70, 300, 130}, {64, 20, 800}, {64, 800, 20}, {600, 96, 97}, {600, 90, 3}})
    sizes.push_back(size);
  return sizes;
}

// Some columns of a leaf that has more.
Leaf Wider(int64_t rows, int64_t columns) {
  return Normal({rows, columns + 10});
}
at::Tensor SomeColumns(const at::Tensor& wider) {
  return wider.narrow(1, 7, wider.size(1) - 10);
}

// x·Wᵀ and dy·W: the product itself, and one to which a thin one is added.
enum class Side { kOutput, kInputGradient };

void Append(Side side, const ProjectionKind& kind, const ProjectionSize& size, std::vector<OpCase>& cases,
            bool in_inference = false) {
  const auto& [rows, width, out] = size;
  const bool is_output = side == Side::kOutput;
  for (const int64_t rank : {0, 5}) {
    std::vector<Leaf> leaves = {Wider(rows, is_output ? width : out), kind.Weight(out, width)};
    if (rank > 0) leaves.push_back(Normal({rows, rank}, 4));
    if (rank > 0) leaves.push_back(is_output ? Normal({out, rank}) : Normal({rank, width}));
    const auto run = [is_output, kind, rank, in_inference](const Inputs& in) {
      const at::Tensor left = SomeColumns(in[0]);
      if (in.is_reference()) {
        const auto right = [&](const at::Tensor& w) { return is_output ? w.t() : w; };
        const at::Tensor product = left.mm(right(in[1]));
        return std::vector{rank > 0 ? product + in[2].mm(right(in[3])) : product};
      }
      size_t adapter = 2;
      const MatmulWeight weight = kind.Of(in[1], in, adapter).matmul_weight();
      const AddedProduct added = rank > 0 ? AddedProduct{in[2], in[3]} : AddedProduct{};
      const auto op = is_output ? LinearOutput : LinearInputGradient;
      const c10::InferenceMode inference(in_inference);
      return std::vector{op(left, weight, kind.matmul_dtype, added)};
    };
    const std::string name =
        fmt::format("{}, {} rows, {} to {}, added {}", kind.name, rows, width, out, rank);
    cases.push_back({.name = name, .leaves = leaves, .run = run, .terms = 1});
  }
}

std::vector<OpCase> Cases(Side side, MatmulDtype dtype) {
  std::vector<OpCase> cases;
  for (const ProjectionSize& size : ProductSizes())
    Append(side, {.name = "dense", .matmul_dtype = dtype}, size, cases);
  for (ProjectionKind& kind : KindsInBlocks()) {
    if (kind.has_adapter) continue;
    kind.matmul_dtype = dtype;
    for (const ProjectionSize& size : SizesInBlocks()) Append(side, kind, size, cases);
  }
  return cases;
}

std::vector<OpCase> InferenceCases() {
  std::vector<OpCase> cases;
  for (const ProjectionSize& size : ProductSizes())
    Append(Side::kOutput, {.name = "dense"}, size, cases, /*in_inference=*/true);
  for (const ProjectionKind& kind : KindsInBlocks()) {
    if (kind.has_adapter) continue;
    for (const ProjectionSize& size : SizesInBlocks())
      Append(Side::kOutput, kind, size, cases, /*in_inference=*/true);
  }
  return cases;
}

std::vector<OpCase> WeightGradientCases() {
  std::vector<OpCase> cases;
  for (const auto& [rows, width, out] : ProductSizes()) {
    cases.push_back({.name = fmt::format("{} rows, {} to {}", rows, width, out),
                     .leaves = {Wider(rows, out), Wider(rows, width)},
                     .run =
                         [](const Inputs& in) {
                           const at::Tensor dy = SomeColumns(in[0]), x = SomeColumns(in[1]);
                           return std::vector{in.is_reference() ? dy.t().mm(x) : LinearWeightGradient(dy, x)};
                         },
                     .terms = 1});
  }
  return cases;
}

OpRow Product(Side side) {
  return {.cases = [side] { return Cases(side, MatmulDtype::kOperands); },
          .tolerance = InEpsilons(12, 1),
          .has_gradients = false};
}
OpRow Int8Product(Side side) {
  return {.cases = [side] { return Cases(side, MatmulDtype::kInt8); },
          .tolerance = {0.02, 0.02},
          .has_gradients = false,
          .is_available = HasInt8Products};
}

OP_ROW(LinearOutput, Product(Side::kOutput));
OP_ROW(LinearOutputInInference, .cases = InferenceCases, .tolerance = InEpsilons(12, 1),
       .has_gradients = false);
OP_ROW(LinearInputGradient, Product(Side::kInputGradient));
OP_ROW(LinearWeightGradient, .cases = WeightGradientCases, .tolerance = InEpsilons(12, 1),
       .has_gradients = false);
OP_ROW(LinearOutputInInt8, Int8Product(Side::kOutput));
OP_ROW(LinearInputGradientInInt8, Int8Product(Side::kInputGradient));

}  // namespace
}  // namespace gemtune::ops
