#include "gemtune/model/gemma3.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "tests/support/gradcheck.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using test::MaxDifference;

// As transformers' output_hidden_states has them: after the embedding, after every layer but the last, and
// after the last layer and norm.
std::vector<at::Tensor> HiddenStates(Gemma3Model& model, const at::Tensor& ids,
                                     const ops::PackedLayout& layout) {
  const int64_t last_layer = model->config().num_hidden_layers;
  std::vector<at::Tensor> states;
  at::Tensor x = ids;
  for (int64_t stage = 0; stage < last_layer; ++stage) {
    x = model->RunStages(x, layout, stage, stage + 1);
    states.push_back(x);
  }
  states.push_back(model->RunStages(x, layout, last_layer, model->num_stages()));
  return states;
}

TEST(Gemma3, EveryLayersStateEqualsTransformers) {
  const auto golden = test::Golden();
  SequenceClassifier classifier = test::TinyClassifier();
  const auto layout = ops::PackedLayout::Full(test::ToVector(golden.at("cu_seqlens")));
  const auto states = HiddenStates(classifier->trunk(), golden.at("ids"), layout);
  ASSERT_EQ(states.size(), 8u);
  for (size_t i = 0; i < states.size(); ++i) {
    const at::Tensor& expected = golden.at("hidden_states." + std::to_string(i));
    EXPECT_LT(MaxDifference(states[i], expected), 2e-5 * std::max(1.0, expected.abs().max().item<double>()))
        << "state " << i;
  }
}

TEST(Gemma3, RowsAloneGiveTheRowsOfTheWhole) {
  const auto golden = test::Golden();
  SequenceClassifier classifier = test::TinyClassifier();
  const auto layout = ops::PackedLayout::Full(test::ToVector(golden.at("cu_seqlens")));
  Gemma3Model& model = classifier->trunk();
  const std::vector<int64_t> rows = {0, 4, 5, 20, 46};
  const at::Tensor whole = model->forward(golden.at("ids"), layout);
  const at::Tensor some = model->forward(golden.at("ids"), layout.WithRows(rows));
  EXPECT_LT(MaxDifference(some, whole.index_select(0, at::tensor(rows))), 1e-5);
}

TEST(Gemma3, PackedEqualsOneByOne) {
  const auto golden = test::Golden();
  SequenceClassifier classifier = test::TinyClassifier();
  const auto cu_seqlens = test::ToVector(golden.at("cu_seqlens"));
  const at::Tensor packed =
      classifier->trunk()->forward(golden.at("ids"), ops::PackedLayout::Full(cu_seqlens));
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    const int64_t start = cu_seqlens[s], length = cu_seqlens[s + 1] - start;
    const auto alone = ops::PackedLayout::Full({0, static_cast<int32_t>(length)});
    const at::Tensor single = classifier->trunk()->forward(golden.at("ids").narrow(0, start, length), alone);
    EXPECT_LT(MaxDifference(packed.narrow(0, start, length), single), 1e-5) << "sequence " << s;
  }
}

TEST(Gemma3, EmbeddingNoiseIsUniformByTheLengthOfTheSequenceAndOnlyInTraining) {
  SequenceClassifier classifier = test::TinyClassifier();
  Gemma3Model& model = classifier->trunk();
  const auto pass = std::make_shared<uint64_t>(1);
  const auto layout = ops::PackedLayout::Full({0, 4, 104});
  const at::Tensor ids = at::arange(104).remainder(96);
  const at::Tensor plain = model->RunStages(ids, layout, 0, 1);
  model->SetEmbeddingNoise({.alpha = 5, .seed = 3, .pass = pass});
  model->eval();
  EXPECT_EQ(MaxDifference(model->RunStages(ids, layout, 0, 1), plain), 0);
  model->train();
  const at::Tensor noise = model->RunStages(ids, layout, 0, 1) - plain;
  const double width = static_cast<double>(model->config().hidden_size);
  for (const auto& [begin, length] : {std::pair<int64_t, int64_t>{0, 4}, {4, 100}}) {
    const double most = 5 / std::sqrt(static_cast<double>(length) * width);
    const double found = noise.narrow(0, begin, length).abs().max().item<double>();
    EXPECT_LE(found, most * (1 + 1e-5));
    EXPECT_GE(found, 0.8 * most);
  }
  EXPECT_EQ(MaxDifference(model->RunStages(ids, layout, 0, 1) - plain, noise), 0);
  *pass = 2;
  EXPECT_GT(MaxDifference(model->RunStages(ids, layout, 0, 1) - plain, noise), 0.01);
}

TEST(Gemma3, ParametersAreNamedAsInTheCheckpoint) {
  const auto checkpoint = io::Checkpoint::Open(test::GoldenDir());
  SequenceClassifier classifier = test::TinyClassifier();
  EXPECT_EQ(classifier->named_parameters().size(), checkpoint.tensors().size());
  for (const auto& item : classifier->named_parameters()) {
    ASSERT_NE(checkpoint.Find(item.key()), nullptr) << item.key();
  }
}

}  // namespace
}  // namespace gemtune::model
