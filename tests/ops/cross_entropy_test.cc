#include "gemtune/ops/cross_entropy.h"

#include "tests/ops/harness.h"

namespace gemtune::ops {
namespace {

// The equations, term by term; weights that are not given are 1.
struct WeighedLoss {
  double smoothing = 0, gamma = 0;
  std::vector<double> class_weights = {}, row_weights = {};

  double Class(int64_t c) const { return class_weights.empty() ? 1 : class_weights[static_cast<size_t>(c)]; }
  double Row(int64_t r) const { return row_weights.empty() ? 1 : row_weights[static_cast<size_t>(r)]; }

  double OneClass(const at::Tensor& logits, const std::vector<int64_t>& targets) const {
    double loss = 0;
    const int64_t classes = logits.size(1);
    for (int64_t r = 0; r < logits.size(0); ++r) {
      const int64_t right = targets[static_cast<size_t>(r)];
      double sum = 0, row = 0;
      for (int64_t c = 0; c < classes; ++c) sum += std::exp(logits[r][c].item<double>());
      for (int64_t c = 0; c < classes; ++c) {
        const double target = smoothing / static_cast<double>(classes) + (c == right ? 1 - smoothing : 0);
        row -= Class(c) * target * (logits[r][c].item<double>() - std::log(sum));
      }
      loss += Row(r) * row * std::pow(1 - std::exp(logits[r][right].item<double>()) / sum, gamma);
    }
    return loss;
  }

  double Labels(const at::Tensor& logits, const at::Tensor& labels) const {
    double loss = 0;
    for (int64_t r = 0; r < logits.size(0); ++r) {
      for (int64_t c = 0; c < logits.size(1); ++c) {
        const bool applies = labels[r][c].item<double>() == 1;
        const double p = 1 / (1 + std::exp((applies ? -1 : 1) * logits[r][c].item<double>()));
        loss -= Row(r) * (applies ? Class(c) : 1) * std::pow(1 - p, gamma) * std::log(p);
      }
    }
    return loss;
  }

  ClassLossOptions Options() const {
    const auto tensor = [](const std::vector<double>& v) {
      return v.empty() ? at::Tensor() : at::tensor(v, at::kDouble);
    };
    return {.label_smoothing = smoothing,
            .class_weights = tensor(class_weights),
            .focal_gamma = gamma,
            .row_weights = tensor(row_weights)};
  }
};

const std::vector<WeighedLoss> kWeighed = {
    {},
    {.class_weights = {0.5, 2, 3}},
    {.row_weights = {1, 0, 0.25, 4}},
    {.gamma = 2},
    {.gamma = 0.5},
    {.gamma = 2, .class_weights = {0.5, 2, 0}, .row_weights = {1, 0, 0.25, 4}}};

TEST(CrossEntropy, EqualsTheEquation) {
  at::manual_seed(0);
  const at::Tensor logits = test::RandomDouble({4, 3}) * 3;
  const std::vector<int64_t> targets = {0, 2, 1, 2};
  for (WeighedLoss weighed : kWeighed) {
    for (weighed.smoothing = 0; weighed.smoothing <= (weighed.gamma > 0 ? 0.0 : 0.1);
         weighed.smoothing += 0.1) {
      EXPECT_NEAR(CrossEntropySum(logits, at::tensor(targets), weighed.Options()).item<double>(),
                  weighed.OneClass(logits, targets), 1e-12);
    }
  }
}

TEST(BinaryCrossEntropy, EqualsTheEquation) {
  at::manual_seed(0);
  const at::Tensor logits = test::RandomDouble({4, 3}) * 3,
                   labels = (test::RandomDouble({4, 3}) > 0).to(at::kDouble);
  for (const WeighedLoss& weighed : kWeighed) {
    EXPECT_NEAR(BinaryCrossEntropySum(logits, labels, weighed.Options()).item<double>(),
                weighed.Labels(logits, labels), 1e-12);
  }
}

// Where a probability is 1 in fp32, (1 - p)^gamma has no slope of its own.
TEST(CrossEntropy, TheFocalLossHasAFiniteGradientWhereItIsZero) {
  for (const double gamma : {0.5, 1.0, 2.0}) {
    at::Tensor logits = at::tensor({200.0f, 0.0f, -200.0f, 0.0f}).view({2, 2}).requires_grad_();
    CrossEntropySum(logits, at::tensor({0, 1}, at::kLong), {.focal_gamma = gamma}).backward();
    EXPECT_TRUE(logits.grad().isfinite().all().item<bool>()) << gamma;
    at::Tensor of_labels = at::tensor({200.0f, -200.0f}).view({1, 2}).requires_grad_();
    BinaryCrossEntropySum(of_labels, at::tensor({1.0f, 0.0f}).view({1, 2}), {.focal_gamma = gamma})
        .backward();
    EXPECT_TRUE(of_labels.grad().isfinite().all().item<bool>()) << gamma;
  }
}

TEST(CrossEntropy, IsFiniteForLargeLogitsAndReadsBFloat16InFloat) {
  const at::Tensor logits = at::tensor({1e4f, -1e4f}).view({1, 2});
  EXPECT_EQ(CrossEntropySum(logits, at::tensor({1}, at::kLong)).item<double>(), 2e4);
  EXPECT_EQ(CrossEntropySum(logits.to(at::kBFloat16), at::tensor({0}, at::kLong)).scalar_type(), at::kFloat);
}

std::vector<OpCase> CrossEntropyOpCases() {
  std::vector<OpCase> cases;
  for (const double smoothing : {0.1, 0.0}) {
    for (const int64_t classes : {4, 1, 2, 17, 33, 1000}) {
      cases.push_back(
          {.name = fmt::format("{} classes, smoothing {}", classes, smoothing),
           .leaves = {Normal({3, classes}, 3)},
           .run =
               [smoothing, classes](const Inputs& in) {
                 const auto targets = at::tensor({0, 3, 1}, at::kLong).remainder(classes).to(in.device);
                 return std::vector{CrossEntropySum(in[0], targets, {.label_smoothing = smoothing})};
               },
           .terms = 1});
    }
  }
  return cases;
}

// Every way to weigh, on the classes 0 to 2.
std::vector<OpCase> WeighedOpCases(bool is_binary) {
  std::vector<OpCase> cases;
  for (size_t i = 1; i < kWeighed.size(); ++i) {
    cases.push_back(
        {.name = fmt::format("way {}", i),
         .leaves = {Normal({4, 3}, 3)},
         .run =
             [i, is_binary](const Inputs& in) {
               ClassLossOptions options = kWeighed[i].Options();
               for (at::Tensor* weights : {&options.class_weights, &options.row_weights}) {
                 if (weights->defined()) *weights = weights->to(in.device);
               }
               const auto labels = at::tensor({1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1}, at::kLong).view({4, 3});
               const auto targets = at::tensor({0, 2, 1, 2}, at::kLong).to(in.device);
               return std::vector{is_binary ? BinaryCrossEntropySum(in[0], labels.to(in.device), options)
                                            : CrossEntropySum(in[0], targets, options)};
             },
         .terms = 1});
  }
  return cases;
}

std::vector<OpCase> WeighedCrossEntropyOpCases() {
  return WeighedOpCases(/*is_binary=*/false);
}

std::vector<OpCase> BinaryCrossEntropyOpCases() {
  return WeighedOpCases(/*is_binary=*/true);
}

// ATen adds up 1,000 exponentials in an order of its own on each processor: on Arm 8.3.
OP_ROW(CrossEntropySum, .cases = CrossEntropyOpCases, .tolerance = InEpsilons(12, 1), .results = Held::kWide);
OP_ROW(WeighedCrossEntropySum, .cases = WeighedCrossEntropyOpCases, .tolerance = InEpsilons(16, 1),
       .results = Held::kWide);
OP_ROW(BinaryCrossEntropySum, .cases = BinaryCrossEntropyOpCases, .tolerance = InEpsilons(16, 1),
       .results = Held::kWide);

}  // namespace
}  // namespace gemtune::ops
