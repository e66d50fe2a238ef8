#include "gemtune/infer/predict.h"

#include <gtest/gtest.h>

#include "tests/support/gradcheck.h"
#include "tests/support/tiny_model.h"

namespace gemtune::infer {
namespace {

data::Dataset GoldenDataset() {
  const auto golden = test::Golden();
  data::Examples examples;
  for (int64_t i = 0; i < golden.at("ids").numel(); ++i) {
    examples.ids.push_back(static_cast<int32_t>(golden.at("ids")[i].item<int64_t>()));
  }
  const auto cu_seqlens = test::ToVector(golden.at("cu_seqlens"));
  examples.offsets.assign(cu_seqlens.begin(), cu_seqlens.end());
  examples.truncated.assign(cu_seqlens.size() - 1, 0);
  return data::Dataset(std::move(examples));
}

TEST(Logits, AreInTheDataSetsOrderWhateverTheBatches) {
  model::SequenceClassifier classifier = test::TinyClassifier();
  const data::Dataset dataset = GoldenDataset();
  const at::Tensor expected = test::Golden().at("logits");
  for (const int64_t max_tokens : {1, 20, 1000}) {
    for (const int64_t max_sequences : {0, 2}) {
      const PredictOptions options{.max_tokens_per_batch = max_tokens,
                                   .max_sequences_per_batch = max_sequences};
      const at::Tensor logits = Logits(classifier, dataset, options);
      EXPECT_LT(test::MaxDifference(logits, expected), 5e-5) << max_tokens << " " << max_sequences;
      EXPECT_FALSE(logits.requires_grad());
    }
  }
}

TEST(Logits, ReportProgress) {
  model::SequenceClassifier classifier = test::TinyClassifier();
  std::vector<std::pair<int64_t, int64_t>> calls;
  Logits(classifier, GoldenDataset(),
         {.max_tokens_per_batch = 1,
          .progress = [&](int64_t examples, int64_t total) { calls.emplace_back(examples, total); }});
  ASSERT_EQ(calls.size(), 5u);
  EXPECT_EQ(calls[0], (std::pair<int64_t, int64_t>{1, 5}));
  EXPECT_EQ(calls[4], (std::pair<int64_t, int64_t>{5, 5}));
}

TEST(Logits, NoExamplesGiveNoRows) {
  model::SequenceClassifier classifier = test::TinyClassifier();
  EXPECT_EQ(Logits(classifier, data::Dataset(data::Examples{}), {}).sizes(), (std::vector<int64_t>{0, 3}));
}

}  // namespace
}  // namespace gemtune::infer
