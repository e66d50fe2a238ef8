#include "gemtune/kernels/int8_gemm.h"

#include <algorithm>

#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

// Σ_l round(a/s)·round(b/t) with s and t of the row of A and the column of B, exact, times s·t.
double Expected(const std::vector<double>& a, const std::vector<double>& b) {
  const auto scale = [](const std::vector<double>& x) {
    double largest = 0;
    for (const double v : x) largest = std::max(largest, std::abs(v));
    return largest / 127;
  };
  const double s = scale(a), t = scale(b);
  double sum = 0;
  for (size_t i = 0; i < a.size() && s > 0 && t > 0; ++i)
    sum += std::nearbyint(a[i] / s) * std::nearbyint(b[i] / t);
  return sum * s * t;
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
  Int8Gemm(QuantizeRows(rows, depth, x.in(), stride), b, y.out(), y_stride);
  std::vector<double> a(depth), column(depth);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t l = 0; l < depth; ++l) {
        a[l] = x[i * stride + l];
        column[l] = input_gradient ? w[l * in + j] : w[j * in + l];
      }
      // A number halfway between two steps may go either way in fp32: one step's worth.
      const double step = 4.0 / 127 * 4.0, rounding = std::abs(Expected(a, column)) / (is_bf16 ? 256 : 1e6);
      ASSERT_NEAR(y[i * y_stride + j], Expected(a, column), step + rounding)
          << rows << "×" << out << "×" << in;
    }
    for (int64_t j = columns; j < y_stride; ++j) ASSERT_EQ(y[i * y_stride + j], 0.0);
  }
}

TEST(Int8Gemm, EqualsAPlainLoopOverRoundedNumbers) {
  if (!HaveInt8Gemm()) GTEST_SKIP() << "this processor has no AVX512-VNNI";
  for (const bool is_bf16 : {false, true}) {
    for (const bool input_gradient : {false, true}) {
      for (const int64_t rows : {1, 8, 13}) {
        for (const int64_t out : {1, 16, 50, 70}) {
          for (const int64_t in : {1, 63, 64, 130}) Check(is_bf16, input_gradient, rows, out, in);
        }
      }
      Check(is_bf16, input_gradient, 230, 410, 96);  // several blocks
    }
  }
}

TEST(Int8Gemm, NotANumberReachesTheResult) {
  if (!HaveInt8Gemm()) GTEST_SKIP() << "this processor has no AVX512-VNNI";
  std::vector<float> x(64, 1.0f), w(16 * 64, 1.0f), y(16);
  x[7] = std::nanf("");
  Int8Gemm(QuantizeRows(1, 64, x.data(), 64), QuantizeForOutput(16, 64, w.data(), 64), y.data(), 16);
  for (const float number : y) EXPECT_TRUE(std::isnan(number));
}

}  // namespace
}  // namespace gemtune::kernels
