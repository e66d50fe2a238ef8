#include "gemtune/kernels/rms_norm.h"

#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

constexpr float kEps = 1e-6f;

struct Plain {
  std::vector<double> y, dx, dw;
  double dx_terms = 0;  // largest of the terms of dx
};

// RmsNorm of rows of x and, given dy, its gradients, in double.
template <typename X, typename DY>
Plain PlainRmsNorm(size_t rows, size_t dim, const X& x, const Operand& w, const DY& dy) {
  Plain plain{std::vector<double>(rows * dim), std::vector<double>(rows * dim), std::vector<double>(dim)};
  for (size_t r = 0; r < rows; ++r) {
    double square = 0, dot = 0;
    for (size_t i = 0; i < dim; ++i) square += double{x[r * dim + i]} * x[r * dim + i];
    const double inverse = 1 / std::sqrt(square / dim + kEps);
    for (size_t i = 0; i < dim; ++i) dot += dy[r * dim + i] * (1 + w[i]) * x[r * dim + i];
    for (size_t i = 0; i < dim; ++i) {
      const size_t at = r * dim + i;
      plain.y[at] = x[at] * inverse * (1 + w[i]);
      plain.dx_terms = std::max(plain.dx_terms, std::abs(inverse * dy[at] * (1 + w[i])));
      plain.dx[at] = inverse * (dy[at] * (1 + w[i]) - x[at] * inverse * inverse * dot / dim);
      plain.dw[i] += dy[at] * x[at] * inverse;
    }
  }
  return plain;
}

std::vector<float> RandomFloats(size_t n, std::mt19937& random) {
  std::vector<float> x(n);
  std::normal_distribution<float> normal;
  for (float& v : x) v = normal(random);
  return x;
}

void Check(bool is_bf16, size_t rows, size_t dim) {
  std::mt19937 random(static_cast<unsigned>(rows * 1000 + dim));
  const double tolerance = is_bf16 ? 0.009 : 1e-5;
  const auto x = RandomFloats(rows * dim, random);
  const Operand w = Operand::Random(is_bf16, dim, random, 0.3),
                dy = Operand::Random(is_bf16, rows * dim, random);
  const auto r = static_cast<int64_t>(rows), d = static_cast<int64_t>(dim);

  const Plain plain = PlainRmsNorm(rows, dim, x, w, dy);
  Operand y(is_bf16, rows * dim);
  RmsNormForward(r, d, x.data(), w.in(), kEps, y.out());
  ExpectClose(y, plain.y, tolerance, "y");
  std::vector<float> dx(rows * dim), dw(dim);
  RmsNormBackward(r, d, x.data(), w.in(), kEps, dy.in(), dx.data(), dw.data());
  ExpectClose(dx, plain.dx, 1e-5, "dx", plain.dx_terms);
  ExpectClose(dw, plain.dw, 1e-5, "dw");

  const Operand block = Operand::Random(is_bf16, rows * dim, random);
  const auto dsum = RandomFloats(rows * dim, random);
  Plain added = PlainRmsNorm(rows, dim, block, w, dsum);
  for (size_t i = 0; i < rows * dim; ++i) added.y[i] += x[i];
  std::vector<float> sum(rows * dim);
  AddRmsNormForward(r, d, x.data(), block.in(), w.in(), kEps, sum.data());
  ExpectClose(sum, added.y, 1e-5, "sum");
  Operand d_block(is_bf16, rows * dim);
  AddRmsNormBackward(r, d, block.in(), w.in(), kEps, dsum.data(), d_block.out(), dw.data());
  ExpectClose(d_block, added.dx, tolerance, "dx of the block", added.dx_terms);
  ExpectClose(dw, added.dw, 1e-5, "dw of the block");
}

TEST(RmsNormKernel, EqualsDoublePrecisionOnEveryInstructionSet) {
  OnEveryTarget([] {
    for (const bool is_bf16 : {false, true}) {
      for (size_t dim = 1; dim <= 67; ++dim) Check(is_bf16, 3, dim);
      Check(is_bf16, 130, 640);  // more rows than one thread's grain
    }
  });
}

}  // namespace
}  // namespace gemtune::kernels
