#include "gemtune/infer/explain.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "tests/support/temp_dir.h"
#include "tests/support/tiny_model.h"

namespace gemtune::infer {
namespace {

const std::vector<int32_t> kIds = {2, 17, 30, 8, 55, 21, 90, 43, 12};

double Sum(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

TEST(GaussLegendre, IntegratesPolynomialsExactly) {
  for (const int64_t points : {1, 2, 3, 8, 64, 511}) {
    const Quadrature q = GaussLegendre(points);
    EXPECT_NEAR(Sum(q.weights), 1, 1e-12);
    for (int64_t degree = 0; degree < std::min<int64_t>(2 * points, 20); ++degree) {
      double integral = 0;
      for (size_t i = 0; i < q.nodes.size(); ++i)
        integral += q.weights[i] * std::pow(q.nodes[i], static_cast<double>(degree));
      EXPECT_NEAR(integral, 1 / static_cast<double>(degree + 1), 1e-12) << points << " " << degree;
    }
  }
}

TEST(IntegratedGradients, AddUpToTheLogitsDifference) {
  model::SequenceClassifier classifier = test::TinyClassifier();
  const Explanation explanation = IntegratedGradients(classifier, kIds);
  const at::NoGradGuard no_grad;
  const std::vector<int32_t> whole = {0, static_cast<int32_t>(kIds.size())};
  const at::Tensor logits = classifier(at::tensor(std::vector<int64_t>(kIds.begin(), kIds.end())), whole)[0];
  EXPECT_EQ(explanation.output, logits.argmax().item<int64_t>());
  EXPECT_NEAR(explanation.logit, logits.max().item<double>(), 1e-5);
  ASSERT_EQ(explanation.contributions.size(), kIds.size());
  EXPECT_EQ(explanation.contributions[0], 0);  // <bos> is in the baseline, too
  const double change = explanation.logit - explanation.baseline_logit;
  EXPECT_GT(std::fabs(change), 0.01);
  EXPECT_LE(std::fabs(Sum(explanation.contributions) - change), 0.01 * std::fabs(change));
  EXPECT_TRUE(classifier->score()->weight.requires_grad());  // as it was before
}

TEST(IntegratedGradients, AreTheSameInManySmallPasses) {
  model::SequenceClassifier classifier = test::TinyClassifier();
  const auto whole = IntegratedGradients(classifier, kIds).contributions;
  const auto parts = IntegratedGradients(classifier, kIds, {.max_tokens_per_batch = 1}).contributions;
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(parts[i], whole[i], 1e-5);
}

TEST(IntegratedGradients, SayHowFarTheyAreOff) {
  model::SequenceClassifier classifier = test::TinyClassifier();
  const Explanation rough = IntegratedGradients(classifier, kIds, {.tolerance = 0, .max_points = 8});
  const Explanation fine = IntegratedGradients(classifier, kIds, {.tolerance = 0, .max_points = 128});
  EXPECT_LT(fine.Error(), 1e-3);
  EXPECT_GE(rough.Error(), fine.Error());
}

TEST(Occlusion, IsTheLogitWithoutEachToken) {
  model::SequenceClassifier classifier = test::TinyClassifier();
  const Explanation explanation = Occlusion(classifier, kIds);
  EXPECT_EQ(explanation.contributions[0], 0);
  // Where nothing is left out twice: the baseline of a text of two tokens is that text without its second.
  const std::vector<int32_t> two = {2, 17};
  const Explanation of_two = Occlusion(classifier, two);
  EXPECT_NEAR(of_two.contributions[1], of_two.logit - of_two.baseline_logit, 1e-5);
  EXPECT_NE(of_two.contributions[1], 0);
  EXPECT_EQ(Occlusion(classifier, std::vector<int32_t>{2}).contributions, std::vector<double>{0});
}

TEST(Occlusion, TellsTheSameTokensAsIntegratedGradients) {
  model::SequenceClassifier classifier = test::TinyClassifier();
  const auto a = IntegratedGradients(classifier, kIds).contributions,
             b = Occlusion(classifier, kIds).contributions;
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 1; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  EXPECT_GT(ab / std::sqrt(aa * bb), 0.5);
}

class PiecesTest : public test::TempDir {};

TEST_F(PiecesTest, JoinBytesOfACharacter) {
  const text::Tokenizer tokenizer = test::TinyTokenizer{}.Make(dir_);
  const auto ids = tokenizer.Encode("aéb");
  ASSERT_EQ(ids.size(), 5u);
  const auto pieces = Pieces(tokenizer, ids, std::vector<double>{0, 1, 2, 3, 4});
  ASSERT_EQ(pieces.size(), 4u);
  EXPECT_EQ(pieces[0].text, "<bos>");
  EXPECT_EQ(pieces[1].text, "a");
  EXPECT_EQ(pieces[2].text, "é");
  EXPECT_EQ(pieces[2].contribution, 5);
  EXPECT_EQ(pieces[3].text, "b");
}

}  // namespace
}  // namespace gemtune::infer
