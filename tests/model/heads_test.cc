#include "gemtune/model/heads.h"

#include <gtest/gtest.h>

#include "gemtune/ops/cross_entropy.h"
#include "tests/support/gradcheck.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using test::MaxDifference;

TEST(SequenceClassifier, LogitsEqualTransformersWithPadding) {
  const auto golden = test::Golden();
  SequenceClassifier classifier = test::TinyClassifier();
  const at::Tensor logits = classifier(golden.at("ids"), test::ToVector(golden.at("cu_seqlens")));
  EXPECT_LT(MaxDifference(logits, golden.at("logits")), 5e-5);
}

TEST(SequenceClassifier, EveryGradientEqualsTransformers) {
  const auto golden = test::Golden();
  SequenceClassifier classifier = test::TinyClassifier();
  const at::Tensor logits = classifier(golden.at("ids"), test::ToVector(golden.at("cu_seqlens")));
  const at::Tensor loss = ops::CrossEntropySum(logits, golden.at("labels")) / golden.at("labels").numel();
  EXPECT_NEAR(loss.item<double>(), golden.at("loss").item<double>(), 1e-5);
  loss.backward();
  for (const auto& item : classifier->named_parameters()) {
    const at::Tensor& expected = golden.at("grad." + item.key());
    const double magnitude = expected.abs().max().item<double>();
    EXPECT_LT(MaxDifference(item.value().grad().to_dense(), expected), 1e-4 * magnitude + 1e-7) << item.key();
  }
}

TEST(SequenceClassifier, ANewHeadGivesEveryClassTheSame) {
  const auto checkpoint = io::Checkpoint::Open(test::GoldenDir());
  const auto config = Gemma3TextConfig::FromJson(checkpoint.config(), "tiny");
  SequenceClassifier classifier(config, 4, at::kFloat);
  LoadParameters(checkpoint, *classifier->trunk(), "model.");
  EXPECT_EQ(classifier(at::tensor({5, 6}, at::kLong), std::vector<int32_t>{0, 2}).abs().max().item<double>(),
            0.0);
}

TEST(PooledRows, TakesTheRightmostTokenThatIsNotPadding) {
  const at::Tensor ids = at::tensor({7, 8, 9, 7, 0, 0, 0, 0, 5}, at::kLong);
  EXPECT_EQ(PooledRows(ids, {0, 3, 6, 8, 9}, 0), (std::vector<int64_t>{2, 3, 6, 8}));
}

}  // namespace
}  // namespace gemtune::model
