#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace gemtune::test {

/// Compares autograd's gradients of `f` with central finite differences, element by element, for every input
/// of floating type (inputs must be double leaves). The output is reduced with a fixed random projection, so
/// that every entry of the Jacobian takes part.
inline void ExpectGradients(const std::function<at::Tensor(const std::vector<at::Tensor>&)>& f,
                            std::vector<at::Tensor> inputs, double step = 1e-6, double tolerance = 1e-6) {
  at::manual_seed(1);
  for (at::Tensor& input : inputs) input.set_requires_grad(true);
  const at::Tensor projection = at::randn_like(f(inputs).detach());
  const auto loss = [&] { return (f(inputs) * projection).sum(); };
  loss().backward();
  for (size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_TRUE(inputs[i].grad().defined()) << "input " << i << " got no gradient";
    const at::Tensor gradient = inputs[i].grad().contiguous();
    const at::NoGradGuard no_grad;
    double* value = inputs[i].data_ptr<double>();
    for (int64_t j = 0; j < inputs[i].numel(); ++j) {
      const double kept = value[j];
      value[j] = kept + step;
      const double above = loss().item<double>();
      value[j] = kept - step;
      const double below = loss().item<double>();
      value[j] = kept;
      const double numeric = (above - below) / (2 * step);
      EXPECT_NEAR(gradient.data_ptr<double>()[j], numeric, tolerance * std::max(1.0, std::fabs(numeric)))
          << "input " << i << " element " << j;
    }
  }
}

/// Largest absolute difference, in double.
inline double MaxDifference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.numel() == 0 ? 0.0 : (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

inline at::Tensor RandomDouble(at::IntArrayRef shape) {
  return at::randn(shape, at::kDouble);
}

}  // namespace gemtune::test
