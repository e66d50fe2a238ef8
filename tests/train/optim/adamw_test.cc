#include "gemtune/train/optim/adamw.h"

#include <gtest/gtest.h>

#include "gemtune/ops/cross_entropy.h"
#include "tests/support/gradcheck.h"
#include "tests/support/tiny_model.h"

namespace gemtune::train {
namespace {

// Ten steps on the tiny model's batch, each loss against `losses`.
void ExpectLosses(model::SequenceClassifier classifier, const at::Tensor& losses, double weight_decay) {
  const auto golden = test::Golden();
  AdamW optimizer(*classifier, {.beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-8, .weight_decay = weight_decay},
                  classifier->sparse_gradients());
  const double* expected = losses.const_data_ptr<double>();
  for (int step = 0; step < 10; ++step) {
    optimizer.ZeroGrad();
    const at::Tensor logits = classifier(golden.at("ids"), test::ToVector(golden.at("cu_seqlens")));
    const at::Tensor loss = ops::CrossEntropySum(logits, golden.at("labels")) / golden.at("labels").numel();
    loss.backward();
    optimizer.Step(3e-3, std::min(1.0, 1.0 / (optimizer.GradNorm() + 1e-6)));
    EXPECT_NEAR(loss.item<double>(), expected[step], 1e-4 * expected[step]) << "step " << step;
  }
}

TEST(AdamW, TenLossesEqualTransformersWithTorchsAdamW) {
  ExpectLosses(test::TinyClassifier(), test::Golden().at("adamw_losses"), 0.1);
}

TEST(AdamW, TenLossesOfAdaptersEqualPeft) {
  for (const char* name : {"lora", "rslora", "dora"}) {
    SCOPED_TRACE(name);
    ExpectLosses(test::TinyAdapted(name), test::Golden(name).at("adamw_losses"), 0.0);
  }
}

TEST(AdamW, HoldsNoStateOfAFrozenParameter) {
  model::SequenceClassifier classifier = test::TinyAdapted("lora");
  int64_t adapter = classifier->score()->weight.numel();
  for (const auto& item : classifier->named_parameters()) {
    if (item.key().find("lora_") != std::string::npos) adapter += item.value().numel();
  }
  EXPECT_EQ(AdamW(*classifier, {}, classifier->sparse_gradients()).num_parameters(), adapter);
}

class OneParameter : public torch::nn::Module {
 public:
  explicit OneParameter(const at::Tensor& value) : weight(register_parameter("weight", value)) {}
  at::Tensor weight;
};

TEST(AdamW, ABFloat16ParameterKeepsSmallStepsInItsMaster) {
  OneParameter module(at::ones({4, 4}, at::kBFloat16));
  AdamW optimizer(module, {});
  for (int step = 0; step < 100; ++step) {  // 100 steps of 1e-4: each alone would be rounded away
    module.weight.mutable_grad() = at::ones({4, 4}, at::kBFloat16);
    optimizer.Step(1e-4, 1.0);
  }
  EXPECT_EQ(module.weight.max().item<double>(), 0.98828125);  // 1 − 0.01, rounded to bf16
}

TEST(AdamW, NormsAreNotDecayedAndFrozenParametersNotTouched) {
  class Three : public torch::nn::Module {
   public:
    Three() {
      matrix = register_parameter("matrix", at::ones({2, 2}));
      norm = register_parameter("norm", at::ones({2}));
      frozen = register_parameter("frozen", at::ones({2, 2}), /*requires_grad=*/false);
    }
    at::Tensor matrix, norm, frozen;
  } module;
  AdamW optimizer(module, {.weight_decay = 0.5});
  EXPECT_EQ(optimizer.num_parameters(), 6);
  for (at::Tensor* parameter : {&module.matrix, &module.norm})
    parameter->mutable_grad() = at::zeros_like(*parameter);
  optimizer.Step(0.1, 1.0);
  EXPECT_FLOAT_EQ(module.matrix[0][0].item<float>(), 0.95f);
  EXPECT_EQ(module.norm[0].item<float>(), 1.0f);
  EXPECT_EQ(module.frozen[0][0].item<float>(), 1.0f);
}

TEST(AdamW, AGradientThatMayBeSparseBelongsToAParameter) {
  OneParameter module(at::zeros({2, 2}));
  EXPECT_THROW(AdamW(module, {}, {"weigth"}), std::logic_error);
  EXPECT_EQ(AdamW(module, {}, {"weight"}).State().at(1).name, "weight.rows");
  module.weight.set_requires_grad(false);
  EXPECT_EQ(AdamW(module, {}, {"weight"}).num_parameters(), 0);
}

TEST(AdamW, GradNormIsThatOfAllGradientsTogether) {
  OneParameter module(at::zeros({2, 2}));
  AdamW optimizer(module, {});
  EXPECT_EQ(optimizer.GradNorm(), 0.0);
  module.weight.mutable_grad() = at::tensor({1.0f, 2.0f, 2.0f, 4.0f}).view({2, 2});
  EXPECT_DOUBLE_EQ(optimizer.GradNorm(), 5.0);
  optimizer.ZeroGrad();
  EXPECT_FALSE(module.weight.grad().defined());
}

}  // namespace
}  // namespace gemtune::train
