#include "gemtune/ops/row_adamw_step.h"

#include <numeric>
#include <optional>

#include "tests/ops/harness.h"
#include "tests/support/reference_adamw.h"

namespace gemtune::ops {
namespace {

constexpr int64_t kRows = kRowsAChunk + 3, kDim = 5;

// Every row of a parameter, its slots in the reverse order.
AdamWRows AllRows(const at::Tensor& parameter, double weight_decay) {
  const bool has_master = parameter.scalar_type() == at::kBFloat16;
  AdamWRows rows{.parameter = parameter,
                 .options = {.beta1 = 0.5, .beta2 = 0.9, .weight_decay = weight_decay},
                 .moving_steps = 40};  // 0.5^40 is 1e-12
  for (int64_t row = kRows - 1; row >= 0; --row) rows.rows.push_back({.index = row});
  const at::ScalarType dtype = parameter.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  for (int chunk = 0; chunk < 2; ++chunk)
    rows.chunks.push_back(
        at::zeros({kRowsAChunk, has_master ? 3 : 2, parameter.size(1)}, parameter.options().dtype(dtype)));
  if (has_master) {
    const at::Tensor master = parameter.flip(0).to(dtype);
    rows.chunks[0].select(1, 0).copy_(master.narrow(0, 0, kRowsAChunk));
    rows.chunks[1].narrow(0, 0, 3).select(1, 0).copy_(master.narrow(0, kRowsAChunk, 3));
  }
  return rows;
}

// 60 steps: slots 0 and 1,025 (of two chunks) have a gradient at times, slot 7 once, the others never.
void TakeSteps(AdamWRows& rows, test::ReferenceAdamW& reference, int catch_up_every) {
  at::manual_seed(4);
  for (int64_t step = 1; step <= 60; ++step) {
    std::vector<int64_t> slots = {0, kRowsAChunk + 1};
    if (step == 3) slots.push_back(7);
    if (step > 10 && step < 57) slots.erase(slots.begin());  // rests longer than its moment moves
    const at::Tensor grads =
        at::randn({static_cast<int64_t>(slots.size()), kDim}).to(rows.parameter.scalar_type());
    at::Tensor dense = at::zeros({kRows, kDim}, at::kDouble);
    for (size_t i = 0; i < slots.size(); ++i) {
      dense[kRows - 1 - slots[i]] = grads[static_cast<int64_t>(i)].to(at::kDouble) * 0.5;
    }
    const double learning_rate = 0.01 * static_cast<double>(1 + step % 3);
    rows.learning_rates.push_back(learning_rate);
    StepRows(rows, slots, grads, 0.5);
    reference.Step(dense, learning_rate);
    if (step % catch_up_every != 0) continue;
    CatchUpRows(rows, std::vector<int64_t>{0, 7, 8, kRowsAChunk + 2}, step);
  }
  std::vector<int64_t> all(kRows);
  std::iota(all.begin(), all.end(), 0);
  CatchUpRows(rows, all, rows.step());
}

class RowAdamWStep : public testing::TestWithParam<bool> {
 protected:
  RowAdamWStep() {
    if (!GetParam()) without_.emplace();
  }

 private:
  std::optional<test::WithoutKernels> without_;
};

TEST_P(RowAdamWStep, EqualsDenseStepsHoweverOftenItCatchesUp) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kDouble}) {
    for (const double weight_decay : {0.0, 0.3}) {
      at::manual_seed(5);
      const at::Tensor start = at::randn({kRows, kDim}).to(dtype);
      at::Tensor first;
      for (const int catch_up_every : {1000, 1, 7}) {
        AdamWRows rows = AllRows(start.clone(), weight_decay);
        test::ReferenceAdamW reference(start, rows.options);
        TakeSteps(rows, reference, catch_up_every);
        const double tolerance = dtype == at::kDouble ? 1e-10 : dtype == at::kFloat ? 1e-5 : 0.02;
        EXPECT_LT(test::MaxDifference(rows.parameter, reference.parameter), tolerance);
        EXPECT_EQ(rows.rows[7].last_moving, 43);
        EXPECT_EQ(rows.rows[8].step, 60);
        if (!first.defined()) first = rows.parameter;
        EXPECT_TRUE(at::equal(rows.parameter, first));
      }
    }
  }
}

TEST_P(RowAdamWStep, ARowThatIsAheadStaysWhereItIs) {
  AdamWRows rows = AllRows(at::ones({kRows, kDim}), 0.5);
  rows.learning_rates = {0.1, 0.1};
  CatchUpRows(rows, std::vector<int64_t>{4}, 2);
  const at::Tensor once = rows.parameter.clone();
  CatchUpRows(rows, std::vector<int64_t>{4}, 1);
  CatchUpRows(rows, std::vector<int64_t>{4}, 2);
  EXPECT_TRUE(at::equal(rows.parameter, once));
  EXPECT_FLOAT_EQ(once[kRows - 1 - 4][0].item<float>(), 0.95f * 0.95f);
  EXPECT_EQ(once[0][0].item<float>(), 1);
}

TEST_P(RowAdamWStep, GradientsOfAnotherNumberOfRowsAreABug) {
  AdamWRows rows = AllRows(at::ones({kRows, kDim}), 0.5);
  rows.learning_rates = {0.1};
  EXPECT_THROW(StepRows(rows, std::vector<int64_t>{4}, at::zeros({2, kDim}), 1), std::logic_error);
  EXPECT_THROW(CatchUpRows(rows, std::vector<int64_t>{4}, 2), std::logic_error);
}

// Two of the rows at times, and all of them at the end.
std::vector<OpCase> RowAdamWStepOpCases() {
  std::vector<OpCase> cases;
  for (const int64_t dim : VectorTails()) {
    cases.push_back({.name = fmt::format("rows of {}", dim),
                     .leaves = {Normal({kRows, dim}), Normal({4, 2, dim})},
                     .run = [](const Inputs& in) {
                       AdamWRows rows = AllRows(in[0].clone(), 0.3);
                       std::vector<int64_t> slots = {0, kRowsAChunk + 1}, all(kRows);
                       for (int64_t step = 1; step <= 4; ++step) {
                         rows.learning_rates.push_back(0.1 / static_cast<double>(step));
                         if (step != 3) StepRows(rows, slots, in[1][step - 1], 0.5);
                       }
                       std::iota(all.begin(), all.end(), 0);
                       CatchUpRows(rows, all, rows.step());
                       return std::vector{rows.parameter};
                     }});
  }
  return cases;
}

OP_ROW(StepRows, .cases = RowAdamWStepOpCases, .tolerance = InEpsilons(4, 1), .has_gradients = false);

INSTANTIATE_TEST_SUITE_P(Ways, RowAdamWStep, testing::Bool(),
                         [](const auto& way) { return way.param ? "kernels" : "compositions"; });

}  // namespace
}  // namespace gemtune::ops
