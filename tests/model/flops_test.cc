#include "gemtune/model/flops.h"

#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include "tests/support/tiny_gguf.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

// Two sequences, longer and shorter than the sliding window of 8.
const std::vector<int32_t> kLengths = {0, 13, 18};

ops::PackedLayout Pooled() {
  return ops::PackedLayout::Full(kLengths).WithRows({12, 17});
}

// Sums 2·m·k·n of every at::mm that runs while it lives.
class CountedProducts {
 public:
  CountedProducts() {
    flops_ = 0;
    handle_ = at::addGlobalCallback(at::RecordFunctionCallback([](const at::RecordFunction& call) {
                                      if (std::string(call.name()) == "aten::mm") {
                                        const at::Tensor a = call.inputs()[0].toTensor(),
                                                         b = call.inputs()[1].toTensor();
                                        flops_ += 2 * a.size(0) * a.size(1) * b.size(1);
                                      }
                                      return std::unique_ptr<at::ObserverContext>();
                                    }).needsInputs(true));
  }
  ~CountedProducts() { at::removeCallback(handle_); }
  int64_t flops() const { return flops_; }

 private:
  static inline int64_t flops_ = 0;
  at::CallbackHandle handle_;
};

// What a forward and, where something is trained, a backward pass really multiplied.
int64_t Multiplied(SequenceClassifier& classifier) {
  const CountedProducts counted;
  const at::Tensor ids = at::arange(1, kLengths.back() + 1, at::kLong);
  classifier(ids, kLengths).sum().backward();
  return counted.flops();
}

int64_t Products(const PassFlops& flops) {
  return flops.forward + flops.input_gradient + flops.weight_gradient;
}

TEST(CountFlops, FullTrainingMultipliesWhatIsCounted) {
  SequenceClassifier classifier = test::TinyClassifier();
  EXPECT_EQ(Products(CountFlops(*classifier, classifier->trunk()->config(), Pooled())),
            Multiplied(classifier));
}

TEST(CountFlops, SoDoesTheHeadAlone) {
  SequenceClassifier classifier = test::TinyClassifier();
  for (const at::Tensor& parameter : classifier->trunk()->parameters()) parameter.set_requires_grad(false);
  const PassFlops flops = CountFlops(*classifier, classifier->trunk()->config(), Pooled());
  EXPECT_EQ(Products(flops), Multiplied(classifier));
  EXPECT_EQ(flops.input_gradient, 0);
  EXPECT_EQ(flops.weight_gradient, 2 * 2 * 3 * 16);  // 2 sequences, 3 labels, hidden size 16
}

TEST(CountFlops, OnAllRowsItIsSixForEachMatrixWeightAndToken) {
  SequenceClassifier classifier = test::TinyClassifier();
  const Gemma3TextConfig& config = classifier->trunk()->config();
  const int64_t norms = config.num_hidden_layers * (4 * config.hidden_size + 2 * config.head_dim) + 16;
  const int64_t weights = config.num_layer_parameters() - norms + 3 * 16;
  EXPECT_EQ(Products(CountFlops(*classifier, config, ops::PackedLayout::Full(kLengths))), 6 * 18 * weights);
}

TEST(CountFlops, GradientsGoDownToTheFirstTrainedWeight) {
  SequenceClassifier classifier = test::TinyClassifier();
  const Gemma3TextConfig& config = classifier->trunk()->config();
  for (auto& item : classifier->named_parameters()) {
    item.value().set_requires_grad(item.key() == "model.layers.5.mlp.gate_proj.weight");
  }
  const PassFlops flops = CountFlops(*classifier, config, ops::PackedLayout::Full(kLengths));
  const int64_t mlp = 16 * 32, attention = 16 * (4 * 8 + 2 * 2 * 8) + 4 * 8 * 16;
  EXPECT_EQ(flops.weight_gradient, 2 * 18 * mlp);
  // Layer 5's down_proj, all of layer 6, the head.
  EXPECT_EQ(flops.input_gradient, 2 * 18 * (mlp + 3 * mlp + attention + 3 * 16));
}

// Keys that a query sees, counted one by one.
int64_t Pairs(const std::vector<int64_t>& query_positions, int64_t window) {
  int64_t pairs = 0;
  for (const int64_t query : query_positions) {
    for (int64_t key = 0; key <= query; ++key) pairs += query - key < window ? 1 : 0;
  }
  return pairs;
}

TEST(CountFlops, AttentionIsCountedWithinItsMasks) {
  SequenceClassifier classifier = test::TinyClassifier();
  const Gemma3TextConfig& config = classifier->trunk()->config();
  std::vector<int64_t> all;
  for (int64_t i = 0; i < 13; ++i) all.push_back(i);
  for (int64_t i = 0; i < 5; ++i) all.push_back(i);
  // Layers 0 to 4 are local, 5 is global, 6 is local and sees the last token of each sequence only.
  const int64_t pairs = 5 * Pairs(all, 8) + Pairs(all, 1000) + Pairs({12, 4}, 8);
  const int64_t product = 2 * pairs * 4 * 8;  // 4 heads of 8
  EXPECT_EQ(CountFlops(*classifier, config, Pooled()).attention, 6 * product);
  for (const at::Tensor& parameter : classifier->trunk()->parameters()) parameter.set_requires_grad(false);
  EXPECT_EQ(CountFlops(*classifier, config, Pooled()).attention, 2 * product);
}

TEST(CountFlops, BlocksCountAsTheirNumbers) {
  const Gemma3TextConfig config = test::TinyClassifier()->trunk()->config();
  SequenceClassifier kept = test::TinyClassifier(), dense = test::TinyClassifier();
  int64_t modules = 0;
  for (const auto& module : kept->trunk()->modules(/*include_self=*/false)) {
    auto* linear = dynamic_cast<LinearImpl*>(module.get());
    if (linear == nullptr) continue;
    ++modules;
    linear->KeepBlocks(
        test::RandomBlockRows(kernels::BlockType::kF32, linear->weight.size(0), linear->weight.size(1), 1));
  }
  EXPECT_EQ(modules, 7 * config.num_hidden_layers);
  for (const at::Tensor& parameter : dense->trunk()->parameters()) parameter.set_requires_grad(false);
  for (const at::Tensor& parameter : kept->trunk()->parameters()) parameter.set_requires_grad(false);
  EXPECT_EQ(CountFlops(*kept, config, Pooled()).total(), CountFlops(*dense, config, Pooled()).total());
}

}  // namespace
}  // namespace gemtune::model
