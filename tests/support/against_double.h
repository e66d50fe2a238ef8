#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/gradcheck.h"

namespace gemtune::test {

/// Holds a kernel to the ATen composition that double tensors take: `op` maps inputs to results; results and
/// the gradients of all inputs are compared, relative to the largest number of each, on the same (rounded)
/// inputs.
template <typename Op>
void ExpectEqualsDouble(const std::vector<at::Tensor>& inputs, double tolerance, Op&& op) {
  const auto run = [&](bool as_double) {
    std::vector<at::Tensor> leaves, all;
    for (const at::Tensor& input : inputs) {
      leaves.push_back((as_double ? input.to(at::kDouble) : input).detach().clone().requires_grad_());
    }
    const std::vector<at::Tensor> results = op(leaves);
    at::Tensor objective;
    for (const at::Tensor& result : results) {
      at::manual_seed(11);
      const at::Tensor weight = at::randn(result.sizes(), at::kDouble).to(at::kBFloat16);
      const at::Tensor term =
          (result * weight.to(result.scalar_type())).sum(as_double ? at::kDouble : at::kFloat);
      objective = objective.defined() ? objective + term : term;
      all.push_back(result.detach());
    }
    objective.backward();
    for (const at::Tensor& leaf : leaves) all.push_back(leaf.grad().to_dense());
    return all;
  };
  const std::vector<at::Tensor> actual = run(false), expected = run(true);
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i].sizes(), expected[i].sizes());
    const double largest = expected[i].abs().max().item<double>();
    EXPECT_LT(MaxDifference(actual[i], expected[i]), tolerance * (largest + 0.05)) << "tensor " << i;
  }
}

}  // namespace gemtune::test
