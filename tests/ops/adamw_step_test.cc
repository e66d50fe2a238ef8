#include "gemtune/ops/adamw_step.h"

#include "tests/ops/harness.h"
#include "tests/support/reference_adamw.h"

namespace gemtune::ops {
namespace {

AdamWTensors TensorsOf(const at::Tensor& parameter) {
  const at::Tensor master = parameter.to(parameter.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  return {parameter, master, at::zeros_like(master), at::zeros_like(master)};
}

using Step = void (*)(const AdamWTensors&, const at::Tensor&, const AdamWOptions&, const AdamWPace&);

void Check(at::ScalarType dtype, at::ScalarType grad_dtype, Step step, double tolerance) {
  at::manual_seed(1);
  const AdamWOptions options{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6, .weight_decay = 0.2};
  const AdamWTensors tensors = TensorsOf(at::randn({7, 37}).to(dtype));
  test::ReferenceAdamW reference(tensors.parameter, options);
  for (int64_t t = 1; t <= 20; ++t) {
    const at::Tensor grad = at::randn({7, 37}).to(grad_dtype);
    step(tensors, grad, options, {.learning_rate = 0.01, .grad_scale = 0.5, .step = t});
    reference.Step(grad.to(at::kDouble) * 0.5, 0.01);
  }
  EXPECT_LT(test::MaxDifference(tensors.master, reference.parameter), tolerance);
  EXPECT_TRUE(at::equal(tensors.parameter, tensors.master.to(dtype)));
}

TEST(AdamWStep, EqualsTorchsEquations) {
  for (const Step step : {&AdamWStep, &AdamWStepByAten}) {
    for (const at::ScalarType grad : {at::kFloat, at::kBFloat16}) {
      Check(at::kFloat, grad, step, 3e-6);
      Check(at::kBFloat16, grad, step, 3e-6);
    }
    Check(at::kDouble, at::kDouble, step, 1e-14);
    Check(at::kDouble, at::kFloat, step, 1e-14);
  }
}

TEST(AdamWStep, WithoutKernelsIsTheComposition) {
  at::manual_seed(2);
  const at::Tensor start = at::randn({5, 33}), grad = at::randn({33, 5}).t();
  const AdamWTensors fused = TensorsOf(start.clone()), composed = TensorsOf(start.clone());
  const test::WithoutKernels without;
  AdamWStep(fused, grad, {}, {.learning_rate = 0.1});
  AdamWStepByAten(composed, grad, {}, {.learning_rate = 0.1});
  EXPECT_TRUE(at::equal(fused.parameter, composed.parameter));
}

// More parameters than a card takes in one launch, of any size, type and options.
TEST(AdamWSteps, AreThoseOfEachParameter) {
  at::manual_seed(3);
  std::vector<AdamWItem> together, alone;
  for (int64_t i = 0; i < 90; ++i) {
    const at::Tensor start = at::randn({1 + i * i % 5000}).to(i % 3 == 0 ? at::kFloat : at::kBFloat16);
    const at::Tensor grad = at::randn(start.sizes()).to(i % 4 == 0 ? at::kBFloat16 : at::kFloat);
    const AdamWOptions options{.weight_decay = i % 2 == 0 ? 0.1 : 0.0};
    together.push_back({TensorsOf(start.clone()), grad, options});
    alone.push_back({TensorsOf(start.clone()), grad, options});
  }
  const AdamWPace pace{.learning_rate = 0.1, .grad_scale = 0.5, .step = 3};
  for (const AdamWItem& item : alone) AdamWStep(item.tensors, item.grad, item.options, pace);
  const auto expect_same = [&] {
    AdamWSteps(together, pace);
    for (size_t i = 0; i < together.size(); ++i) {
      EXPECT_LT(test::MaxDifference(together[i].tensors.master, alone[i].tensors.master), 1e-6) << i;
      EXPECT_TRUE(at::equal(together[i].tensors.parameter,
                            together[i].tensors.master.to(together[i].tensors.parameter.scalar_type())));
    }
  };
  expect_same();
  for (size_t i = 0; i < together.size(); ++i) {
    for (const auto member : {&AdamWTensors::master, &AdamWTensors::exp_avg, &AdamWTensors::exp_avg_sq})
      (alone[i].tensors.*member).copy_(together[i].tensors.*member);
    AdamWStep(alone[i].tensors, alone[i].grad, alone[i].options, pace);
  }
  const test::WithCudaOnHost cuda_on_host;
  expect_same();
}

TEST(AdamWStep, AGradientOfAnotherShapeIsABug) {
  EXPECT_THROW(AdamWStep(TensorsOf(at::zeros({2, 3})), at::zeros({3, 2}), {}, {}), std::logic_error);
}

// The master, the moments and a gradient; one step, the first or a later one.
std::vector<OpCase> AdamWStepOpCases() {
  std::vector<OpCase> cases;
  std::vector<int64_t> sizes = VectorTails();
  sizes.push_back(70'001);
  for (const int64_t size : sizes) {
    for (const int64_t step : {1, 20}) {
      Leaf squares = Normal({size}, 1, Held::kWide);
      squares.numbers.square_();
      cases.push_back({.name = fmt::format("{} numbers, step {}", size, step),
                       .leaves = {Normal({size}, 1, Held::kWide), Normal({size}, 1, Held::kWide), squares,
                                  Normal({size})},
                       .run = [step](const Inputs& in) {
                         const at::Tensor master = in[0].clone(), parameter = in.dtype == at::kBFloat16
                                                                                  ? master.to(in.dtype)
                                                                                  : master;
                         const AdamWTensors tensors{parameter, master, in[1].clone(), in[2].clone()};
                         AdamWStep(tensors, in[3], {.weight_decay = 0.2},
                                   {.learning_rate = 0.1, .grad_scale = 0.5, .step = step});
                         return std::vector{tensors.parameter.to(master.scalar_type()), master,
                                            tensors.exp_avg, tensors.exp_avg_sq};
                       }});
    }
  }
  return cases;
}

OP_ROW(AdamWStep, .cases = AdamWStepOpCases, .tolerance = InEpsilons(8, 1), .results = Held::kWide,
       .has_gradients = false);

}  // namespace
}  // namespace gemtune::ops
