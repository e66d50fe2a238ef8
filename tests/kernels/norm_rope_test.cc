#include "gemtune/kernels/norm_rope.h"

#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

constexpr double kEps = 1e-6;

struct Case {
  size_t rows, heads, dim, x_stride, y_stride;
};

std::vector<double> Rotated(const Case& c, const std::vector<double>& x, const std::vector<double>& w,
                            const std::vector<float>& cos, const std::vector<float>& sin,
                            const std::vector<int64_t>& positions) {
  std::vector<double> y(c.rows * c.y_stride);
  const size_t half = c.dim / 2;
  for (size_t r = 0; r < c.rows; ++r) {
    for (size_t h = 0; h < c.heads; ++h) {
      const double* head = &x[r * c.x_stride + h * c.dim];
      double square = 0;
      for (size_t i = 0; i < c.dim; ++i) square += head[i] * head[i];
      const double inverse = 1 / std::sqrt(square / static_cast<double>(c.dim) + kEps);
      const auto n = [&](size_t i) { return head[i] * inverse * (1 + w[i]); };
      for (size_t i = 0; i < half; ++i) {
        const double cosine = cos[positions[r] * half + i], sine = sin[positions[r] * half + i];
        y[r * c.y_stride + h * c.dim + i] = n(i) * cosine - n(i + half) * sine;
        y[r * c.y_stride + h * c.dim + i + half] = n(i + half) * cosine + n(i) * sine;
      }
    }
  }
  return y;
}

std::vector<double> Doubles(const Operand& x) {
  std::vector<double> out(x.size());
  for (size_t i = 0; i < x.size(); ++i) out[i] = x[i];
  return out;
}

// The gradient against differences in double of the sum of dy·y.
void Check(bool is_bf16, const Case& c) {
  std::mt19937 random(static_cast<unsigned>(c.dim));
  const size_t half = c.dim / 2, positions_count = 5;
  std::vector<float> cos(positions_count * half), sin(positions_count * half);
  for (size_t i = 0; i < cos.size(); ++i) {
    cos[i] = static_cast<float>(std::cos(0.3 * static_cast<double>(i)));
    sin[i] = static_cast<float>(std::sin(0.3 * static_cast<double>(i)));
  }
  std::vector<int64_t> positions(c.rows);
  for (size_t r = 0; r < c.rows; ++r) positions[r] = static_cast<int64_t>(r % positions_count);
  const Operand x = Operand::Random(is_bf16, c.rows * c.x_stride, random),
                w = Operand::Random(is_bf16, c.dim, random, 0.3);
  const Operand dy = Operand::Random(is_bf16, c.rows * c.y_stride, random);
  const NormRopeShape shape{.rows = static_cast<int64_t>(c.rows),
                            .heads = static_cast<int64_t>(c.heads),
                            .head_dim = static_cast<int64_t>(c.dim),
                            .eps = static_cast<float>(kEps),
                            .cos = cos.data(),
                            .sin = sin.data(),
                            .positions = positions.data()};
  const auto x_stride = static_cast<int64_t>(c.x_stride), y_stride = static_cast<int64_t>(c.y_stride);

  const double tolerance = is_bf16 ? 0.009 : 1e-5;
  Operand y(is_bf16, c.rows * c.y_stride);
  NormRopeForward(shape, x.in(), x_stride, w.in(), y.out(), y_stride);
  std::vector<double> xs = Doubles(x), ws = Doubles(w);
  ExpectClose(y, Rotated(c, xs, ws, cos, sin, positions), tolerance, "y");

  const auto objective = [&] {
    double sum = 0;
    const auto values = Rotated(c, xs, ws, cos, sin, positions);
    for (size_t r = 0; r < c.rows; ++r) {
      for (size_t i = 0; i < c.heads * c.dim; ++i) sum += values[r * c.y_stride + i] * dy[r * c.y_stride + i];
    }
    return sum;
  };
  const auto slope = [&](double& variable) {
    const double before = variable;
    variable = before + 1e-5;
    const double above = objective();
    variable = before - 1e-5;
    const double below = objective();
    variable = before;
    return (above - below) / 2e-5;
  };
  std::vector<double> dx(c.rows * c.x_stride), dw(c.dim);
  for (size_t r = 0; r < c.rows; ++r) {
    for (size_t i = 0; i < c.heads * c.dim; ++i) dx[r * c.x_stride + i] = slope(xs[r * c.x_stride + i]);
  }
  for (size_t i = 0; i < c.dim; ++i) dw[i] = slope(ws[i]);
  Operand dx_actual(is_bf16, c.rows * c.x_stride);
  std::vector<float> dw_actual(c.dim);
  NormRopeBackward(shape, x.in(), x_stride, w.in(), dy.in(), y_stride, dx_actual.out(), x_stride,
                   dw_actual.data());
  ExpectClose(dx_actual, dx, tolerance, "dx");
  ExpectClose(dw_actual, dw, 1e-5, "dw");
}

TEST(NormRopeKernel, EqualsDoublePrecisionOnEveryInstructionSet) {
  OnEveryTarget([] {
    for (const bool is_bf16 : {false, true}) {
      for (size_t dim = 2; dim <= 36; dim += 2)
        Check(is_bf16, {.rows = 2, .heads = 2, .dim = dim, .x_stride = 2 * dim + 3, .y_stride = 2 * dim});
      Check(is_bf16, {.rows = 65, .heads = 1, .dim = 8, .x_stride = 8, .y_stride = 9});
    }
  });
}

}  // namespace
}  // namespace gemtune::kernels
