#include "gemtune/ops/linear_cross_entropy.h"

#include "gemtune/ops/cross_entropy.h"
#include "tests/ops/harness.h"
#include "tests/support/tiny_gguf.h"

namespace gemtune::ops {
namespace {

using test::MaxDifference;

// The loss with all logits at once, and its gradients.
struct Whole {
  at::Tensor loss, of_hidden, of_weight;
};

Whole ByLogits(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets) {
  const at::Tensor h = hidden.detach().clone().requires_grad_(), w = weight.detach().clone().requires_grad_();
  const at::Tensor loss = CrossEntropySum(h.matmul(w.t()), targets);
  (loss * 0.5).backward();
  return {loss.detach(), h.grad(), w.grad()};
}

TEST(LinearCrossEntropy, EqualsTheLossOfAllLogitsWhateverTheChunks) {
  at::manual_seed(1);
  const at::Tensor hidden = at::randn({7, 5}, at::kDouble), weight = at::randn({11, 5}, at::kDouble) * 3;
  const at::Tensor targets = at::tensor({0, 10, 3, 3, 7, 1, 9}, at::kLong);
  const Whole whole = ByLogits(hidden, weight, targets);
  for (const int64_t chunk_rows : {0, 1, 2, 3, 6, 7, 100}) {
    const at::Tensor h = hidden.clone().requires_grad_(), w = weight.clone().requires_grad_();
    const at::Tensor loss = LinearCrossEntropySum(h, w, targets, {.chunk_rows = chunk_rows});
    EXPECT_LT(MaxDifference(loss, whole.loss), 1e-12);
    (loss * 0.5).backward();
    EXPECT_LT(MaxDifference(h.grad(), whole.of_hidden), 1e-13);
    EXPECT_LT(MaxDifference(w.grad(), whole.of_weight), 1e-13);
  }
}

TEST(LinearCrossEntropy, ChunksAreEvenAndOfHalfAGigabyteOrTwiceThat) {
  constexpr int64_t kWords = 262'144;
  EXPECT_EQ(LogitRows(1024, kWords, at::kBFloat16, /*trains_weight=*/false), 1024);
  EXPECT_EQ(LogitRows(1025, kWords, at::kBFloat16, false), 528);  // 528 + 497
  EXPECT_EQ(LogitRows(2048, kWords, at::kBFloat16, true), 2048);
  EXPECT_EQ(LogitRows(2049, kWords, at::kBFloat16, true), 1040);
  EXPECT_EQ(LogitRows(1536, kWords, at::kFloat, false), 512);
  EXPECT_EQ(LogitRows(0, kWords, at::kFloat, false), 1);
  EXPECT_EQ(LogitRows(10, int64_t{1} << 40, at::kFloat, false), 1);
}

TEST(LinearCrossEntropy, ComputesNoGradientThatNobodyWants) {
  const at::Tensor hidden = at::randn({3, 4}), weight = at::randn({6, 4});
  const at::Tensor targets = at::tensor({0, 5, 2}, at::kLong);
  EXPECT_FALSE(LinearCrossEntropySum(hidden, weight, targets).requires_grad());
  const at::Tensor h = hidden.clone().requires_grad_();
  {
    const at::NoGradGuard no_grad;
    EXPECT_FALSE(LinearCrossEntropySum(h, weight, targets).requires_grad());
  }
  LinearCrossEntropySum(h, weight, targets).backward();
  EXPECT_LT(MaxDifference(h.grad() * 0.5, ByLogits(hidden, weight, targets).of_hidden), 1e-6);
}

TEST(LinearCrossEntropy, TakesAWeightInBlocks) {
  const BlockRows blocks = test::RandomBlockRows(BlockType::kQ8_0, 9, 64, 1);
  const at::Tensor weight = Expand({blocks}, at::kFloat), hidden = at::randn({5, 64});
  const at::Tensor targets = at::tensor({8, 0, 4, 4, 2}, at::kLong);
  const Whole whole = ByLogits(hidden, weight, targets);
  const at::Tensor h = hidden.clone().requires_grad_();
  const at::Tensor loss =
      LinearCrossEntropySum(h, MatmulWeight(std::vector{blocks}), targets, {.chunk_rows = 2});
  EXPECT_LT(MaxDifference(loss, whole.loss), 1e-5 * whole.loss.item<double>());
  (loss * 0.5).backward();
  EXPECT_LT(MaxDifference(h.grad(), whole.of_hidden), 1e-5 * whole.of_hidden.abs().max().item<double>());
}

TEST(LinearCrossEntropy, ACardFindsTheSameLossesAndTheFirstOfEqualLogits) {
  at::manual_seed(4);
  for (const int64_t words : {3, 33, 1000, 8192}) {
    const at::Tensor hidden = at::randn({9, 16}), weight = at::randn({words, 16});
    weight[words - 1].copy_(weight[0]);  // two words have the same logits
    const at::Tensor best = hidden.matmul(weight.t()).argmax(1);
    for (const int64_t target : {int64_t{0}, words - 1}) {
      const at::Tensor targets = at::where(at::arange(9) % 2 == 0, best, at::full({9}, target, at::kLong));
      const RowLosses expected = LinearCrossEntropyRows(hidden, weight, targets);
      const test::WithCudaOnHost cuda_on_host;
      const RowLosses actual = LinearCrossEntropyRows(hidden, weight, targets);
      EXPECT_LT(MaxDifference(actual.losses, expected.losses), 1e-5);
      EXPECT_TRUE(at::equal(actual.is_correct, expected.is_correct));
    }
  }
}

TEST(LinearCrossEntropy, OfNoRowsIsZero) {
  const at::Tensor h = at::empty({0, 4}).requires_grad_(), w = at::randn({6, 4}).requires_grad_();
  const at::Tensor loss = LinearCrossEntropySum(h, w, at::empty({0}, at::kLong));
  EXPECT_EQ(loss.item<double>(), 0);
  loss.backward();
  EXPECT_EQ(w.grad().abs().max().item<double>(), 0);
}

TEST(LinearCrossEntropy, IsFiniteForLargeLogits) {
  const at::Tensor hidden = at::full({2, 1}, 1e4f), weight = at::tensor({1.0f, -1.0f}).view({2, 1});
  const at::Tensor targets = at::tensor({1, 0}, at::kLong);
  EXPECT_EQ(LinearCrossEntropySum(hidden, weight, targets).item<double>(), 2e4);
}

TEST(LinearCrossEntropy, RowsAddUpToTheSumAndKnowTheLargestLogit) {
  at::manual_seed(2);
  const at::Tensor hidden = at::randn({9, 4}), weight = at::randn({6, 4});
  const at::Tensor logits = hidden.matmul(weight.t());
  at::Tensor targets = logits.argmax(1);
  targets[2] = (targets[2] + 1) % 6;
  targets[8] = (targets[8] + 5) % 6;
  const RowLosses rows = LinearCrossEntropyRows(hidden, weight, targets, {.chunk_rows = 4});
  EXPECT_NEAR(rows.losses.sum().item<double>(), CrossEntropySum(logits, targets).item<double>(), 1e-5);
  EXPECT_EQ(rows.is_correct.sum().item<int64_t>(), 7);
  EXPECT_FALSE(rows.is_correct[2].item<bool>() || rows.is_correct[8].item<bool>());
}

std::vector<OpCase> LinearCrossEntropyOpCases() {
  std::vector<OpCase> cases;
  for (const auto& [rows, columns, words] :
       {std::tuple<int64_t, int64_t, int64_t>{3, 4, 5}, {1, 3, 2}, {2, 5, 1}, {33, 64, 97}, {70, 17, 300}}) {
    for (const int64_t chunk_rows : {0, 2}) {
      cases.push_back({.name = fmt::format("[{}, {}] of {}, chunks of {}", rows, columns, words, chunk_rows),
                       .leaves = {Normal({rows, columns}), Normal({words, columns}, 0.3)},
                       .run =
                           [rows = rows, words = words, chunk_rows](const Inputs& in) {
                             const auto targets = (at::arange(rows) * 7).remainder(words).to(in.device);
                             return std::vector{
                                 LinearCrossEntropySum(in[0], in[1], targets, {.chunk_rows = chunk_rows})};
                           },
                       .terms = 1});
    }
  }
  return cases;
}

// In bf16 the logits are rounded, as transformers' are.
OP_ROW(LinearCrossEntropySum, .cases = LinearCrossEntropyOpCases, .tolerance = InEpsilons(32, 4),
       .results = Held::kWide);

}  // namespace
}  // namespace gemtune::ops
