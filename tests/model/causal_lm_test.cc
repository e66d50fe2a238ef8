#include "gemtune/model/causal_lm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemtune/ops/linear_cross_entropy.h"
#include "tests/support/gradcheck.h"
#include "tests/support/tiny_model.h"

namespace gemtune::model {
namespace {

using test::MaxDifference;
using testing::ElementsAre;

CausalLm TinyCausalLm(at::ScalarType dtype = at::kFloat) {
  const ModelSource source = ModelSource::Open(test::GoldenDir());
  CausalLm model(source.config, at::TensorOptions().dtype(dtype));
  LoadParameters(source.checkpoint, *model, "");
  return model;
}

TEST(CausalLm, LogitsEqualTransformers) {
  const auto golden = test::Golden("causal");
  CausalLm model = TinyCausalLm();
  const auto layout = ops::PackedLayout::Full(test::ToVector(golden.at("cu_seqlens")));
  const at::Tensor logits = model->Logits(model(golden.at("ids"), layout));
  const at::Tensor& expected = golden.at("logits");
  EXPECT_LT(MaxDifference(logits, expected), 2e-5 * expected.abs().max().item<double>());
}

// Logits of every token, with the sequences taken a few tokens at a time, each in its own steps.
at::Tensor LogitsStepByStep(CausalLm& model, const at::Tensor& ids, const std::vector<int32_t>& cu_seqlens) {
  const auto num_sequences = std::ssize(cu_seqlens) - 1;
  std::vector<KvCache> caches(static_cast<size_t>(num_sequences));
  std::vector<int64_t> done(caches.size());
  std::vector<at::Tensor> rows(static_cast<size_t>(ids.size(0)));
  for (int64_t step = 0; true; ++step) {
    std::vector<int64_t> tokens, begins;
    std::vector<int32_t> cu_new = {0};
    std::vector<KvCache*> taken;
    for (size_t s = 0; s < caches.size(); ++s) {
      const int64_t left = cu_seqlens[s + 1] - cu_seqlens[s] - done[s],
                    count = std::min<int64_t>(left, (step + static_cast<int64_t>(s)) % 3 == 0 ? 5 : 1);
      if (count == 0) continue;
      begins.push_back(done[s]);
      taken.push_back(&caches[s]);
      for (int64_t i = 0; i < count; ++i) tokens.push_back(cu_seqlens[s] + done[s] + i);
      cu_new.push_back(static_cast<int32_t>(tokens.size()));
      done[s] += count;
    }
    if (tokens.empty()) return at::cat(rows);
    const at::Tensor index = at::tensor(tokens, at::kLong);
    const at::Tensor logits = model->Logits(
        model->Continue(ids.index_select(0, index), ops::PackedLayout::Continued(cu_new, begins), taken));
    for (size_t i = 0; i < tokens.size(); ++i)
      rows[static_cast<size_t>(tokens[i])] = logits.narrow(0, static_cast<int64_t>(i), 1);
  }
}

TEST(CausalLm, LogitsOfContinuedSequencesEqualTransformers) {
  const auto golden = test::Golden("causal");
  CausalLm model = TinyCausalLm();
  const auto cu_seqlens = test::ToVector(golden.at("cu_seqlens"));
  int64_t longest = 0;
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s)
    longest = std::max<int64_t>(longest, cu_seqlens[s + 1] - cu_seqlens[s]);
  ASSERT_GT(longest, 2 * model->trunk()->config().sliding_window);
  const at::Tensor& expected = golden.at("logits");
  EXPECT_LT(MaxDifference(LogitsStepByStep(model, golden.at("ids"), cu_seqlens), expected),
            2e-5 * expected.abs().max().item<double>());
}

// The embedding's gradient is the sum of a sparse one, from the tokens that were read, and a dense one, from
// the head.
TEST(CausalLm, LossAndEveryGradientEqualTransformers) {
  const auto golden = test::Golden("causal");
  const auto cu_seqlens = test::ToVector(golden.at("cu_seqlens"));
  CausalLm model = TinyCausalLm();
  const NextTokens next = FindNextTokens(ops::HostValues<const int64_t>(golden.at("ids")), cu_seqlens,
                                         ops::HostValues<const uint8_t>(golden.at("is_target")));
  const at::Tensor hidden = model(golden.at("ids"), ops::PackedLayout::Full(cu_seqlens).WithRows(next.rows));
  ASSERT_EQ(hidden.size(0), std::ssize(next.ids));
  const at::Tensor loss =
      ops::LinearCrossEntropySum(hidden, model->head(), at::tensor(next.ids), {.chunk_rows = 10});
  EXPECT_NEAR(loss.item<double>(), golden.at("loss").item<double>(), 1e-3);
  loss.backward();
  for (const auto& item : model->named_parameters()) {
    const at::Tensor& expected = golden.at("grad." + item.key());
    EXPECT_LT(MaxDifference(item.value().grad().to_dense(), expected),
              1e-4 * expected.abs().max().item<double>())
        << item.key();
  }
  EXPECT_FALSE(model->trunk()->embed_tokens()->weight.grad().is_sparse());
}

TEST(CausalLm, HasTheNamesOfTheCheckpointAndNoHeadOfItsOwn) {
  const auto checkpoint = io::Checkpoint::Open(test::GoldenDir());
  CausalLm model = TinyCausalLm();
  EXPECT_EQ(model->named_parameters().size() + 1, checkpoint.tensors().size());  // without score.weight
  for (const auto& item : model->named_parameters()) {
    EXPECT_NE(checkpoint.Find(item.key()), nullptr) << item.key();
  }
}

TEST(NextTokens, AreTheTargetsExceptTheFirstOfEachSequence) {
  const std::vector<int64_t> ids = {2, 10, 11, 12, 2, 20, 2, 30, 31};
  const NextTokens all = FindNextTokens(ids, {0, 4, 6, 9}, std::vector<uint8_t>(9, 1));
  EXPECT_THAT(all.rows, ElementsAre(0, 1, 2, 4, 6, 7));
  EXPECT_THAT(all.ids, ElementsAre(10, 11, 12, 20, 30, 31));
  const NextTokens some = FindNextTokens(ids, {0, 4, 6, 9}, std::vector<uint8_t>{1, 0, 1, 0, 1, 1, 0, 0, 1});
  EXPECT_THAT(some.rows, ElementsAre(1, 4, 7));
  EXPECT_THAT(some.ids, ElementsAre(11, 20, 31));
  EXPECT_TRUE(FindNextTokens({}, {0}, {}).rows.empty());
  EXPECT_TRUE(FindNextTokens(std::vector<int64_t>{2}, {0, 1}, std::vector<uint8_t>{1}).rows.empty());
}

}  // namespace
}  // namespace gemtune::model
