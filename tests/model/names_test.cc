#include "gemtune/model/names.h"

#include <gtest/gtest.h>

#include "gemtune/model/lora.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

TEST(Names, EveryParameterIsOfOnePart) {
  SequenceClassifier classifier = test::TinyOutline();
  LoraConfig lora;
  AttachLora(*classifier, lora, /*seed=*/1);
  int64_t adapters = 0;
  std::vector<int64_t> layers(7, 0);
  for (const auto& item : classifier->named_parameters()) {
    const std::string& name = item.key();
    const std::optional<int64_t> layer = LayerOf(name);
    EXPECT_EQ(
        int{IsOfHead(name)} + int{IsOfEmbedding(name)} + int{IsOfFinalNorm(name)} + int{layer.has_value()}, 1)
        << name;
    EXPECT_EQ(IsOfHead(name), name == kHeadWeight);
    EXPECT_EQ(IsOfEmbedding(name), name == kEmbeddingWeight);
    if (layer) ++layers.at(static_cast<size_t>(*layer));
    if (!IsOfAdapter(name)) continue;
    ++adapters;
    EXPECT_TRUE(layer.has_value()) << name;
  }
  EXPECT_EQ(adapters, 7 * 7 * 2);
  EXPECT_EQ(layers, std::vector<int64_t>(7, 13 + 7 * 2));
}

TEST(Names, ALayerMayHaveSeveralDigits) {
  EXPECT_EQ(LayerOf("model.layers.61.mlp.up_proj.weight"), 61);
}

}  // namespace
}  // namespace gemtune::model
