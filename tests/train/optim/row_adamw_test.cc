#include "gemtune/train/optim/row_adamw.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "gemtune/ops/embedding.h"
#include "gemtune/ops/sum_of_squares.h"
#include "tests/support/gradcheck.h"
#include "tests/support/reference_adamw.h"
#include "tests/support/without_kernels.h"

namespace gemtune::train {
namespace {

constexpr int64_t kRows = 12, kDim = 5;

at::Tensor SparseGrad(const std::vector<int64_t>& rows, const at::Tensor& values) {
  return at::sparse_coo_tensor(at::tensor(rows, at::kLong).unsqueeze(0), values, {kRows, kDim}).coalesce();
}

// Rows touched now and then, some once and never again, some never; read in between.
void Check(at::ScalarType dtype, double weight_decay, int steps) {
  at::manual_seed(1);
  const AdamWOptions options{.beta1 = 0.8, .beta2 = 0.95, .weight_decay = weight_decay};
  const at::Tensor parameter = at::randn({kRows, kDim}).to(dtype);
  test::ReferenceAdamW dense(parameter, options);
  RowAdamW sparse(parameter, options);
  for (int step = 0; step < steps; ++step) {
    std::vector<int64_t> rows = {step % 3};
    if (step == 2) rows.push_back(7);
    if (step % 50 == 9) rows.push_back(9);
    const at::Tensor values = at::randn({static_cast<int64_t>(rows.size()), kDim}).to(dtype);
    const double lr = 0.01 * (1 + step % 4);
    const at::Tensor grad = SparseGrad(rows, values);
    sparse.CatchUp(at::tensor({step % 3, 7, 7}, at::kLong));
    const at::Tensor seen = dense.parameter.index_select(0, at::tensor({step % 3, 7}, at::kLong));
    const double tolerance = dtype == at::kBFloat16 ? 0.02 : 2e-5;
    ASSERT_LT(test::MaxDifference(parameter.index_select(0, at::tensor({step % 3, 7}, at::kLong)), seen),
              tolerance)
        << step;
    parameter.mutable_grad() = grad;
    sparse.Step(lr, 0.5);
    dense.Step(grad.to_dense().to(at::kDouble) * 0.5, lr);
  }
  sparse.CatchUpAll();
  EXPECT_LT(test::MaxDifference(parameter, dense.parameter), dtype == at::kBFloat16 ? 0.02 : 2e-5);
  sparse.CatchUpAll();  // changes nothing
  EXPECT_LT(test::MaxDifference(parameter, dense.parameter), dtype == at::kBFloat16 ? 0.02 : 2e-5);
}

// With kernels and by compositions of ATen calls.
class RowAdamWBothWays : public testing::TestWithParam<bool> {
 protected:
  RowAdamWBothWays() {
    if (!GetParam()) without_.emplace();
  }

 private:
  std::optional<test::WithoutKernels> without_;
};

TEST_P(RowAdamWBothWays, EqualsAdamWOnTheDenseGradient) {
  Check(at::kFloat, 0.0, 30);
  Check(at::kBFloat16, 0.0, 30);
}

TEST_P(RowAdamWBothWays, DecaysEveryRow) {
  Check(at::kFloat, 0.3, 30);
  Check(at::kBFloat16, 0.3, 30);
}

TEST_P(RowAdamWBothWays, CatchesUpOverMoreStepsThanTheFirstMomentLasts) {
  Check(at::kFloat, 0.02, 400);
}

// A head that shares the embedding's weight has a dense gradient, which the embedding's sparse one joins, in
// one backward pass or over several, whichever comes first.
TEST_P(RowAdamWBothWays, ADenseGradientThatMeetsASparseOneStepsAllRows) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    at::manual_seed(3);
    const AdamWOptions options{.weight_decay = 0.1};
    const at::Tensor parameter = at::randn({kRows, kDim}).to(dtype).requires_grad_();
    test::ReferenceAdamW dense(parameter.detach(), options);
    RowAdamW rows(parameter, options);
    for (int step = 0; step < 12; ++step) {
      const at::Tensor ids = at::tensor({step % 4, 7, 7}, at::kLong);
      const at::Tensor way = at::randn({3, kDim}), head_way = at::randn({kRows, kDim}).to(dtype);
      rows.CatchUp(ids);
      const auto embedded = [&] { return (ops::ScaledEmbedding(parameter, ids, 2.0) * way).sum(); };
      const auto tied = [&] { return (parameter * head_way).sum().to(at::kFloat); };
      at::Tensor expected = at::zeros({kRows, kDim}, at::kDouble);
      expected.index_add_(0, ids, (way * 2).to(at::kDouble));
      switch (step % 4) {
        case 0:
          (embedded() + tied()).backward();
          break;
        case 1:
          embedded().backward();
          tied().backward();
          break;
        case 2:
          tied().backward();
          embedded().backward();
          break;
        default:
          embedded().backward();  // alone
      }
      if (step % 4 != 3) {
        EXPECT_FALSE(parameter.grad().is_sparse());
        expected += head_way.to(at::kDouble);
      }
      EXPECT_NEAR(ops::SumOfSquares(rows.GradientValues()).item<double>(),
                  expected.square().sum().item<double>(), dtype == at::kBFloat16 ? 1.0 : 1e-4);
      rows.Step(0.01, 0.5);
      dense.Step(expected * 0.5, 0.01);
      parameter.mutable_grad() = at::Tensor();
    }
    rows.CatchUpAll();
    EXPECT_LT(test::MaxDifference(parameter, dense.parameter), dtype == at::kBFloat16 ? 0.03 : 2e-5);
  }
}

// One run of 400 steps of rare rows, sometimes with all rows caught up, and once continued by another
// optimiser from the first one's state.
at::Tensor Trained(at::ScalarType dtype, double weight_decay, int catch_up_every, int broken_at) {
  at::manual_seed(2);
  const AdamWOptions options{.beta1 = 0.8, .beta2 = 0.95, .weight_decay = weight_decay};
  const at::Tensor parameter = at::randn({kRows, kDim}).to(dtype);
  RowAdamW first(parameter, options), second(parameter, options);
  RowAdamW* optimizer = &first;
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / ("rows." + std::to_string(::getpid()));
  for (int step = 0; step < 400; ++step) {
    const std::vector<int64_t> rows = {step % 300 < 3 ? step % 3 : 3, step % 40 == 9 ? 9 : 10};
    optimizer->CatchUp(at::tensor(rows, at::kLong));
    parameter.mutable_grad() = SparseGrad(rows, at::randn({2, kDim}).to(dtype));
    optimizer->Step(0.01 * (1 + step % 4), 0.5);
    if (catch_up_every > 0 && step % catch_up_every == 0) optimizer->CatchUpAll();
    if (step != broken_at) continue;
    WriteTensors(file, optimizer->State("e"));
    optimizer = &second;
    optimizer->SetState(TensorFile(file), "e");
  }
  optimizer->CatchUpAll();
  std::filesystem::remove(file);
  return parameter;
}

TEST_P(RowAdamWBothWays, HowOftenItIsBroughtUpToDateAndWhereItIsBrokenOffChangesNoBit) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const double weight_decay : {0.0, 0.1}) {
      const at::Tensor expected = Trained(dtype, weight_decay, 0, -1);
      for (const int every : {1, 7, 130}) {
        EXPECT_TRUE(at::equal(Trained(dtype, weight_decay, every, -1), expected)) << every;
      }
      for (const int at : {0, 1, 200, 350}) {
        EXPECT_TRUE(at::equal(Trained(dtype, weight_decay, 0, at), expected)) << at;
      }
    }
  }
}

TEST(RowAdamW, TheNormIsThatOfTheGradientsValues) {
  const at::Tensor parameter = at::zeros({kRows, kDim});
  const RowAdamW sparse(parameter, {});
  parameter.mutable_grad() = SparseGrad({1, 5}, at::full({2, kDim}, 2.0f));
  EXPECT_EQ(ops::SumOfSquares(sparse.GradientValues()).item<double>(), 40.0);
  parameter.mutable_grad() = parameter.grad().to_dense();
  EXPECT_EQ(ops::SumOfSquares(sparse.GradientValues()).item<double>(), 40.0);
}

INSTANTIATE_TEST_SUITE_P(Ways, RowAdamWBothWays, testing::Bool(),
                         [](const auto& way) { return way.param ? "kernels" : "compositions"; });

}  // namespace
}  // namespace gemtune::train
