#include "gemtune/model/mlp.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"

namespace gemtune::model {
namespace {

TEST(Mlp, EqualsTheEquation) {
  at::manual_seed(0);
  const at::NoGradGuard no_grad;
  Mlp mlp(3, 5, at::TensorOptions().dtype(at::kDouble));
  const auto parameters = mlp->named_parameters();
  for (const auto& item : parameters) item.value().normal_();
  const at::Tensor x = test::RandomDouble({2, 3});
  const RmsNorm norm(3, 1e-6, at::TensorOptions().dtype(at::kDouble));
  const at::Tensor n = norm->forward(x);
  const at::Tensor gate = n.matmul(parameters["gate_proj.weight"].t()),
                   up = n.matmul(parameters["up_proj.weight"].t());
  const at::Tensor expected = (at::gelu(gate, "tanh") * up).matmul(parameters["down_proj.weight"].t());
  EXPECT_LT(test::MaxDifference(mlp(x, norm), expected), 1e-12);
  EXPECT_EQ(parameters.size(), 3u);
}

}  // namespace
}  // namespace gemtune::model
