#include "gemtune/model/checkpointed.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

TEST(Checkpointed, GradientsAreThoseOfTheLayer) {
  test::ExpectGradients(
      [](const std::vector<at::Tensor>& in) {
        const auto layer = [w = in[1]](const at::Tensor& x) { return at::tanh(x.mm(w)) + x; };
        return Checkpointed(layer, {in[1]}, in[0]);
      },
      {test::RandomDouble({4, 3}), test::RandomDouble({3, 3})});
}

TEST(Checkpointed, RunsTheLayerAgainOnlyToGoBack) {
  int runs = 0;
  const auto layer = [&](const at::Tensor& x) {
    ++runs;
    return x * 2;
  };
  const at::Tensor x = at::ones({2}).requires_grad_();
  const at::Tensor y = Checkpointed(layer, {}, x);
  EXPECT_EQ(runs, 1);
  y.sum().backward();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(x.grad()[0].item<float>(), 2.0f);
  EXPECT_FALSE(Checkpointed(layer, {}, at::ones({2})).requires_grad());
}

// Gradients of a classifier's parameters by name; trained are those whose names begin with one of `trained`.
std::map<std::string, at::Tensor> Gradients(at::ScalarType type, bool checkpointing,
                                            const std::vector<std::string>& trained) {
  const auto golden = test::Golden();
  SequenceClassifier classifier = test::TinyClassifier();
  classifier->to(type);
  for (auto& item : classifier->named_parameters()) {
    item.value().set_requires_grad(std::any_of(
        trained.begin(), trained.end(), [&](const auto& prefix) { return item.key().starts_with(prefix); }));
  }
  classifier->trunk()->set_gradient_checkpointing(checkpointing);
  classifier(golden.at("ids"), test::ToVector(golden.at("cu_seqlens"))).square().sum().backward();
  std::map<std::string, at::Tensor> gradients;
  for (const auto& item : classifier->named_parameters()) {
    if (item.value().grad().defined()) gradients[item.key()] = item.value().grad().to_dense();
  }
  return gradients;
}

TEST(Checkpointed, AModelsGradientsAreTheSameBitForBit) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const std::vector<std::string>& trained :
         {std::vector<std::string>{"model.", "score."},
          {"model.layers.3.mlp.down_proj", "model.layers.5.self_attn"}}) {
      const auto plain = Gradients(type, false, trained), checkpointed = Gradients(type, true, trained);
      ASSERT_FALSE(plain.empty());
      ASSERT_EQ(checkpointed.size(), plain.size());
      for (const auto& [name, gradient] : plain) EXPECT_TRUE(checkpointed.at(name).equal(gradient)) << name;
    }
  }
}

}  // namespace
}  // namespace gemtune::model
