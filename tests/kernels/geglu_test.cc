#include "gemtune/kernels/geglu.h"

#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

double Gelu(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}
double GeluSlope(double x) {
  return (Gelu(x + 1e-5) - Gelu(x - 1e-5)) / 2e-5;
}

void Check(bool is_bf16, size_t rows, size_t width) {
  std::mt19937 random(static_cast<unsigned>(rows * 100 + width));
  const double tolerance = is_bf16 ? 0.009 : 1e-5;
  const Operand gate_up = Operand::Random(is_bf16, rows * 2 * width, random, 3.0);
  const Operand dy = Operand::Random(is_bf16, rows * width, random);
  std::vector<double> y(rows * width), d_gate_up(rows * 2 * width);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t i = 0; i < width; ++i) {
      const double gate = gate_up[r * 2 * width + i], up = gate_up[(r * 2 + 1) * width + i],
                   g = dy[r * width + i];
      y[r * width + i] = Gelu(gate) * up;
      d_gate_up[r * 2 * width + i] = g * up * GeluSlope(gate);
      d_gate_up[(r * 2 + 1) * width + i] = g * Gelu(gate);
    }
  }
  const auto n = static_cast<int64_t>(rows), w = static_cast<int64_t>(width);
  Operand forward(is_bf16, y.size()), again(is_bf16, y.size()), d(is_bf16, d_gate_up.size());
  GeGluForward(n, w, gate_up.in(), forward.out());
  ExpectClose(forward, y, tolerance, "y");
  GeGluBackward(n, w, gate_up.in(), dy.in(), d.out(), again.out());
  ExpectClose(again, y, tolerance, "y, recomputed");
  ExpectClose(d, d_gate_up, tolerance, "gradient");
}

TEST(GeGluKernel, EqualsDoublePrecisionOnEveryInstructionSet) {
  OnEveryTarget([] {
    for (const bool is_bf16 : {false, true}) {
      for (size_t width = 1; width <= 35; ++width) Check(is_bf16, 2, width);
      Check(is_bf16, 70, 128);
    }
  });
}

TEST(GeGluKernel, HoldsAtExtremes) {
  const std::vector<float> gate_up = {-1e4f, -100, 0, 100, 1e4f, 1, 1, 1, 1, 1};
  std::vector<float> y(5);
  GeGluForward(1, 5, gate_up.data(), y.data());
  EXPECT_EQ(y, (std::vector<float>{0, 0, 0, 100, 1e4f}));
}

}  // namespace
}  // namespace gemtune::kernels
