#include "gemtune/kernels/int8_gemm.h"

#include <algorithm>

#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

double Scale(const std::vector<double>& x, size_t begin, size_t end) {
  double largest = 0;
  for (size_t i = begin; i < std::min(end, x.size()); ++i) largest = std::max(largest, std::abs(x[i]));
  return largest / 127;
}

// Σ_l s·round(a/s)·t·round(b/t) with s of the group of A's row around l and t of the column of B.
double Expected(const std::vector<double>& a, const std::vector<double>& b, size_t group) {
  const double t = Scale(b, 0, b.size());
  double sum = 0;
  for (size_t begin = 0; begin < a.size() && t > 0; begin += group) {
    const double s = Scale(a, begin, begin + group);
    for (size_t i = begin; i < std::min(begin + group, a.size()) && s > 0; ++i)
      sum += s * std::nearbyint(a[i] / s) * t * std::nearbyint(b[i] / t);
  }
  return sum;
}

void Check(bool is_bf16, bool input_gradient, int64_t rows, int64_t out, int64_t in) {
  std::mt19937 random(static_cast<unsigned>(rows * out + in));
  const int64_t depth = input_gradient ? out : in, columns = input_gradient ? in : out, stride = depth + 3;
  Operand x = Operand::Random(is_bf16, rows * stride, random);
  const Operand w = Operand::Random(is_bf16, out * in, random);
  for (int64_t j = 0; j < depth; ++j) x.Set(j, 0.0f);  // a row of zeros has no scale
  const int64_t y_stride = columns + 2;
  Operand y(is_bf16, rows * y_stride);
  const Int8Weight b =
      input_gradient ? QuantizeForInputGradient(out, in, w.in(), in) : QuantizeForOutput(out, in, w.in(), in);
  Int8Gemm(QuantizeRows(rows, depth, x.in(), stride, b.group), b, y.out(), y_stride);
  std::vector<double> a(depth), column(depth);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t l = 0; l < depth; ++l) {
        a[l] = x[i * stride + l];
        column[l] = input_gradient ? w[l * in + j] : w[j * in + l];
      }
      // A number halfway between two steps may go either way in fp32: one step's worth.
      const double expected = Expected(a, column, static_cast<size_t>(b.group));
      const double step = 4.0 / 127 * 4.0, rounding = std::abs(expected) / (is_bf16 ? 256 : 1e6);
      ASSERT_NEAR(y[i * y_stride + j], expected, step + rounding) << rows << "×" << out << "×" << in;
    }
    for (int64_t j = columns; j < y_stride; ++j) ASSERT_EQ(y[i * y_stride + j], 0.0);
  }
}

// With each instruction set that has such products.
class Int8GemmTest : public testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    AllowInstructionSet(GetParam());
    if (!HaveInt8Gemm()) GTEST_SKIP() << "this processor has neither AVX512-VNNI nor AVX-VNNI";
  }
  void TearDown() override { AllowInstructionSet(before_); }

 private:
  const InstructionSet before_ = AllowedInstructionSet();
};

INSTANTIATE_TEST_SUITE_P(InstructionSets, Int8GemmTest,
                         testing::Values(InstructionSet::kAvxVnni, InstructionSet::kAvx512Vnni,
                                         InstructionSet::kAll));

TEST_P(Int8GemmTest, EqualsAPlainLoopOverRoundedNumbers) {
  for (const bool is_bf16 : {false, true}) {
    for (const bool input_gradient : {false, true}) {
      for (const int64_t rows : {1, 8, 13}) {
        for (const int64_t out : {1, 16, 50, 70}) {
          for (const int64_t in : {1, 63, 64, 130, 330}) Check(is_bf16, input_gradient, rows, out, in);
        }
      }
      Check(is_bf16, input_gradient, 230, 410, 96);  // several blocks
    }
  }
}

// Not rounded to 8 bits: what is added is exact but for the last rounding.
TEST_P(Int8GemmTest, AddsAProductInItsOwnType) {
  std::mt19937 random(2);
  for (const bool is_bf16 : {false, true}) {
    for (const int64_t rows : {1, 13, 100}) {
      for (const int64_t r : {1, 5, 48}) {
        const int64_t depth = 70, columns = 81, stride = r + 3;
        const Operand x = Operand::Random(is_bf16, rows * depth, random),
                      w = Operand::Random(is_bf16, columns * depth, random),
                      u = Operand::Random(is_bf16, rows * stride, random),
                      v = Operand::Random(is_bf16, columns * stride, random);
        const Int8Weight b = QuantizeForOutput(columns, depth, w.in(), depth);
        const Int8Rows a = QuantizeRows(rows, depth, x.in(), depth, b.group);
        Operand alone(is_bf16, rows * columns), sum(is_bf16, rows * columns);
        const GemmTerm added{r, {u.in(), stride}, {v.in(), stride, true}};
        Int8Gemm(a, b, alone.out(), columns);
        Int8Gemm(a, b, sum.out(), columns, &added);
        for (int64_t i = 0; i < rows * columns; ++i) {
          double expected = alone[i];
          for (int64_t l = 0; l < r; ++l)
            expected += u[i / columns * stride + l] * v[i % columns * stride + l];
          const double rounding = is_bf16 ? (std::abs(alone[i]) + std::abs(expected)) / 256 : 1e-4;
          ASSERT_NEAR(sum[i], expected, rounding + 1e-4) << rows << " " << r << " at " << i;
        }
      }
    }
  }
}

TEST_P(Int8GemmTest, NotANumberReachesTheResult) {
  std::vector<float> x(64, 1.0f), w(16 * 64, 1.0f), y(16);
  x[7] = std::nanf("");
  Int8Gemm(QuantizeRows(1, 64, x.data(), 64, kInt8ActivationGroup), QuantizeForOutput(16, 64, w.data(), 64),
           y.data(), 16);
  for (const float number : y) EXPECT_TRUE(std::isnan(number));
}

}  // namespace
}  // namespace gemtune::kernels
