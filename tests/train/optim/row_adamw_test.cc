#include "gemtune/train/optim/row_adamw.h"

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/support/gradcheck.h"

namespace gemtune::train {
namespace {

constexpr int64_t kRows = 12, kDim = 5;

// torch.optim.AdamW's equations in double on a dense gradient.
class Dense {
 public:
  Dense(const at::Tensor& start, const AdamWOptions& options)
      : parameter(start.to(at::kDouble).clone()),
        m_(at::zeros_like(parameter)),
        v_(at::zeros_like(parameter)),
        options_(options) {}

  void Step(const at::Tensor& grad, double lr) {
    ++step_;
    parameter.mul_(1 - lr * options_.weight_decay);
    m_.mul_(options_.beta1).add_(grad, 1 - options_.beta1);
    v_.mul_(options_.beta2).add_(grad * grad, 1 - options_.beta2);
    const double correction1 = 1 - std::pow(options_.beta1, step_),
                 correction2 = 1 - std::pow(options_.beta2, step_);
    parameter.sub_(lr / correction1 * m_ / ((v_ / correction2).sqrt() + options_.epsilon));
  }
  at::Tensor parameter;

 private:
  at::Tensor m_, v_;
  AdamWOptions options_;
  int step_ = 0;
};

at::Tensor SparseGrad(const std::vector<int64_t>& rows, const at::Tensor& values) {
  return at::sparse_coo_tensor(at::tensor(rows, at::kLong).unsqueeze(0), values, {kRows, kDim}).coalesce();
}

// Rows touched now and then, some once and never again, some never; read in between.
void Check(at::ScalarType dtype, double weight_decay, int steps) {
  at::manual_seed(1);
  const AdamWOptions options{.beta1 = 0.8, .beta2 = 0.95, .weight_decay = weight_decay};
  const at::Tensor parameter = at::randn({kRows, kDim}).to(dtype);
  Dense dense(parameter, options);
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

TEST(RowAdamW, EqualsAdamWOnTheDenseGradient) {
  Check(at::kFloat, 0.0, 30);
  Check(at::kBFloat16, 0.0, 30);
}

TEST(RowAdamW, DecaysEveryRow) {
  Check(at::kFloat, 0.3, 30);
  Check(at::kBFloat16, 0.3, 30);
}

TEST(RowAdamW, CatchesUpOverMoreStepsThanTheFirstMomentLasts) {
  Check(at::kFloat, 0.02, 400);
}

// One run of 400 steps of rare rows, at times with all rows brought up to date and at one time gone on with
// by another optimiser on what the first one kept.
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

TEST(RowAdamW, HowOftenItIsBroughtUpToDateAndWhereItIsBrokenOffChangesNoBit) {
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
  EXPECT_EQ(sparse.SumOfSquares().item<double>(), 40.0);
  parameter.mutable_grad() = parameter.grad().to_dense();
  EXPECT_EQ(sparse.SumOfSquares().item<double>(), 40.0);
}

}  // namespace
}  // namespace gemtune::train
