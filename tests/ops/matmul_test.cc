#include "gemtune/ops/matmul.h"

#include <ATen/ATen.h>

#include "gemtune/kernels/int8_gemm.h"
#include "tests/support/gradcheck.h"
#include "tests/support/tiny_gguf.h"

namespace gemtune::ops {
namespace {

// Few rows and many, side by side and as a view of some columns.
TEST(Matmul, EqualsProductsInDouble) {
  at::manual_seed(0);
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    for (const int64_t rows : {3, 64, 131}) {
      const at::Tensor x = at::randn({rows, 50}).to(dtype).narrow(1, 7, 40),
                       dy = at::randn({rows, 30}).to(dtype).narrow(1, 3, 20),
                       w = at::randn({20, 40}).to(dtype);
      const at::Tensor xd = x.to(at::kDouble), dyd = dy.to(at::kDouble), wd = w.to(at::kDouble);
      const auto expect = [&](const at::Tensor& actual, const at::Tensor& expected) {
        EXPECT_EQ(actual.scalar_type(), dtype);
        EXPECT_LT(test::MaxDifference(actual, expected),
                  (dtype == at::kFloat ? 1e-6 : 4e-3) * expected.abs().max().item<double>());
      };
      expect(LinearOutput(x, w), xd.mm(wd.t()));
      expect(LinearInputGradient(dy, w), dyd.mm(wd));
      expect(LinearWeightGradient(dy, x), dyd.t().mm(xd));
    }
  }
}

// By ATen (few rows), in the kernel's sums, and beside 8 bits.
TEST(Matmul, AddsAThinProduct) {
  at::manual_seed(0);
  for (const MatmulDtype way : {MatmulDtype::kOperands, MatmulDtype::kInt8}) {
    if (way == MatmulDtype::kInt8 && !kernels::HaveInt8Gemm()) continue;
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      for (const int64_t rows : {3, 131}) {
        const at::Tensor x = at::randn({rows, 40}).to(dtype), dy = at::randn({rows, 20}).to(dtype),
                         w = at::randn({20, 40}).to(dtype), u = at::randn({rows, 5}).to(dtype) * 8,
                         a = at::randn({5, 40}).to(dtype), b = at::randn({20, 5}).to(dtype);
        const at::Tensor xd = x.to(at::kDouble), dyd = dy.to(at::kDouble), wd = w.to(at::kDouble),
                         ud = u.to(at::kDouble);
        const auto expect = [&](const at::Tensor& actual, const at::Tensor& expected) {
          EXPECT_LT(test::MaxDifference(actual, expected), (way == MatmulDtype::kInt8 ? 1e-2
                                                            : dtype == at::kFloat     ? 1e-6
                                                                                      : 6e-3) *
                                                               expected.abs().max().item<double>());
        };
        expect(LinearOutput(x, w, way, {u, b}), xd.mm(wd.t()) + ud.mm(b.to(at::kDouble).t()));
        expect(LinearInputGradient(dy, w, way, {u, a}), dyd.mm(wd) + ud.mm(a.to(at::kDouble)));
      }
    }
  }
}

TEST(Matmul, TheGradientOfAThinWeightIsTheSame) {
  at::manual_seed(0);
  const at::Tensor dy = at::randn({131, 3}), x = at::randn({131, 90});
  const at::Tensor gradient = LinearWeightGradient(dy, x);
  EXPECT_TRUE(gradient.is_contiguous());
  EXPECT_LT(test::MaxDifference(gradient, dy.to(at::kDouble).t().mm(x.to(at::kDouble))), 1e-4);
}

// Rounded to 8 bits: 1 part in 100 off in the mean, whatever lies how.
TEST(Matmul, Int8IsCloseToTheProductsInDouble) {
  if (!kernels::HaveInt8Gemm()) GTEST_SKIP() << "this processor has no AVX512-VNNI";
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
    if (way == MatmulDtype::kInt8 && !kernels::HaveInt8Gemm()) continue;
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

}  // namespace
}  // namespace gemtune::ops
