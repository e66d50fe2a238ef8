#include "gemtune/infer/frozen_states.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::infer {
namespace {

class FrozenStatesTest : public test::TempDir {
 protected:
  FrozenStatesTest() {
    const auto golden = test::Golden();
    const auto cu_seqlens = test::ToVector(golden.at("cu_seqlens"));
    data::Examples examples;
    for (int64_t i = 0; i < golden.at("ids").numel(); ++i)
      examples.ids.push_back(static_cast<int32_t>(golden.at("ids")[i].item<int64_t>()));
    examples.offsets.assign(cu_seqlens.begin(), cu_seqlens.end());
    examples.truncated.assign(cu_seqlens.size() - 1, 0);
    dataset_ = std::make_unique<data::Dataset>(std::move(examples));
  }

  // Trained are the parameters whose names begin with one of these.
  model::SequenceClassifier Classifier(const std::vector<std::string>& trained) const {
    model::SequenceClassifier classifier = test::TinyClassifier();
    for (auto& item : classifier->named_parameters()) {
      item.value().set_requires_grad(std::any_of(trained.begin(), trained.end(), [&](const auto& prefix) {
        return item.key().starts_with(prefix);
      }));
    }
    return classifier;
  }

  // What the frozen stages of `classifier` give, a row a token or, behind the last layer, a text.
  FrozenStates Keep(model::SequenceClassifier& classifier, const FrozenStatesOptions& options) const {
    const int64_t stages = classifier->trunk()->FrozenStages();
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < dataset_->size(); ++i)
      rows.push_back(stages > classifier->trunk()->config().num_hidden_layers ? 1 : dataset_->length(i));
    return FrozenStates(
        *dataset_, rows,
        [&](const data::PackedBatch& batch) {
          return classifier->StatesBefore(stages, IdsOf(batch), batch.cu_seqlens);
        },
        options);
  }

  std::unique_ptr<data::Dataset> dataset_;
};

const std::vector<std::vector<std::string>> kTrained = {
    {"score."},                                   // everything else frozen: one row each
    {"score.", "model.norm."},                    // before the final norm
    {"score.", "model.norm.", "model.layers.6"},  // the last layer, which sees one query a sequence
    {"score.", "model.norm.", "model.layers.3.mlp.up_proj"},
    {"score.", "model.layers.0"},  // the embedding alone is frozen
};

TEST_F(FrozenStatesTest, LogitsAndGradientsAreThoseOfTheWholeModel) {
  const data::PackedBatch batch = data::Pack(*dataset_, {3, 0, 4});
  for (const auto& trained : kTrained) {
    for (const int64_t max_memory : {0, 1 << 20}) {  // in a file and not
      auto whole = Classifier(trained), upper = Classifier(trained);
      const FrozenStates states =
          Keep(upper,
               {.forward = {.max_tokens_per_batch = 20}, .max_memory_bytes = max_memory, .directory = dir_});
      const at::Tensor expected = whole(IdsOf(batch), batch.cu_seqlens);
      const at::Tensor logits = upper->FromStates(upper->trunk()->FrozenStages(), states.States(batch),
                                                  IdsOf(batch), batch.cu_seqlens);
      EXPECT_LT(test::MaxDifference(logits, expected), 1e-5) << trained.back();
      expected.square().sum().backward();
      logits.square().sum().backward();
      for (const auto& item : whole->named_parameters()) {
        const at::Tensor& gradient = upper->named_parameters()[item.key()].grad();
        ASSERT_EQ(gradient.defined(), item.value().requires_grad()) << item.key();
        if (!gradient.defined()) continue;
        const double size = item.value().grad().abs().max().item<double>();
        EXPECT_LT(test::MaxDifference(gradient, item.value().grad()), 1e-5 * std::max(1.0, size))
            << item.key();
      }
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

TEST_F(FrozenStatesTest, KeepsTheRowsItIsTold) {
  auto head = Classifier({"score."}), layer = Classifier({"model.layers.6"});
  const int64_t row = 4 * head->trunk()->config().hidden_size;
  const FrozenStatesOptions options{.max_memory_bytes = 1 << 20};
  EXPECT_EQ(Keep(head, options).bytes(), dataset_->size() * row);
  EXPECT_EQ(Keep(layer, options).bytes(), dataset_->tokens() * row);
}

// What makes a step cheap: below the lowest trained parameter there is nothing to go back through.
TEST_F(FrozenStatesTest, FrozenStagesHaveNoGraph) {
  auto classifier = Classifier({"score.", "model.layers.3"});
  const data::PackedBatch batch = data::Pack(*dataset_, {0, 1});
  EXPECT_EQ(classifier->trunk()->FrozenStages(), 4);
  EXPECT_FALSE(classifier->StatesBefore(4, IdsOf(batch), batch.cu_seqlens).requires_grad());
  EXPECT_TRUE(classifier->StatesBefore(5, IdsOf(batch), batch.cu_seqlens).requires_grad());
}

}  // namespace
}  // namespace gemtune::infer
