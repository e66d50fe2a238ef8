#include "gemtune/model/heads.h"

#include <gtest/gtest.h>

#include <set>

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
  const std::vector<std::string> names = classifier->sparse_gradients();
  const std::set<std::string> sparse(names.begin(), names.end());
  for (const auto& item : classifier->named_parameters()) {
    const at::Tensor& expected = golden.at("grad." + item.key());
    const double magnitude = expected.abs().max().item<double>();
    EXPECT_EQ(item.value().grad().is_sparse(), sparse.contains(item.key())) << item.key();
    EXPECT_LT(MaxDifference(item.value().grad().to_dense(), expected), 1e-4 * magnitude + 1e-7) << item.key();
  }
}

TEST(SequenceClassifier, ANewHeadGivesEveryClassTheSame) {
  const ModelSource source = ModelSource::Open(test::GoldenDir());
  SequenceClassifier classifier(source.config, 4, at::kFloat);
  LoadParameters(source.checkpoint, *classifier->trunk(), "model.");
  EXPECT_EQ(classifier(at::tensor({5, 6}, at::kLong), std::vector<int32_t>{0, 2}).abs().max().item<double>(),
            0.0);
}

TEST(PooledRows, TakesTheRightmostTokenThatIsNotPadding) {
  const std::vector<int64_t> ids = {7, 8, 9, 7, 0, 0, 0, 0, 5};
  EXPECT_EQ(PooledRows(ids, {0, 3, 6, 8, 9}, 0), (std::vector<int64_t>{2, 3, 6, 8}));
}

}  // namespace
}  // namespace gemtune::model
