#include "gemtune/infer/explain.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/ops/host_memory.h"

namespace gemtune::infer {
namespace {

constexpr int64_t kEmbedding = 1;  // the stage behind it
constexpr int64_t kPointsOfInterval = 8;

// While it lives no parameter takes a gradient: only the embeddings' is wanted.
class FrozenParameters {
 public:
  explicit FrozenParameters(torch::nn::Module& module) {
    for (at::Tensor& parameter : module.parameters()) {
      if (!parameter.requires_grad()) continue;
      parameter.requires_grad_(false);
      frozen_.push_back(parameter);
    }
  }
  ~FrozenParameters() {
    for (at::Tensor& parameter : frozen_) parameter.requires_grad_(true);
  }
  FrozenParameters(const FrozenParameters&) = delete;
  FrozenParameters& operator=(const FrozenParameters&) = delete;

 private:
  std::vector<at::Tensor> frozen_;
};

// A text whose embeddings are changed and looked at again.
class Explained {
 public:
  Explained(model::SequenceClassifier& model, std::span<const int32_t> ids, const ExplainOptions& options)
      : model_(model), options_(options), frozen_(*model) {
    GEMTUNE_CHECK(!ids.empty());
    model->eval();
    const at::NoGradGuard no_grad;
    ids_ = at::empty({std::ssize(ids)}, at::kLong);
    std::ranges::copy(ids, ops::HostValues<int64_t>(ids_).begin());
    at::Tensor padded = at::full_like(ids_, model->trunk()->config().pad_token_id);
    padded[0] = ids_[0];  // <bos>
    const std::vector<int32_t> whole = {0, static_cast<int32_t>(tokens())};
    text_ = model->StatesBefore(kEmbedding, ids_, whole);
    baseline_ = model->StatesBefore(kEmbedding, padded, whole);
    const at::Tensor logits = Logits(text_.unsqueeze(0))[0];
    explanation_.output = logits.argmax().item<int64_t>();
    explanation_.logit = logits[explanation_.output].item<double>();
    explanation_.baseline_logit = Logits(baseline_.unsqueeze(0))[0][explanation_.output].item<double>();
    explanation_.contributions.assign(ids.size(), 0);
  }

  int64_t tokens() const { return ids_.size(0); }
  const at::Tensor& text() const { return text_; }
  const at::Tensor& baseline() const { return baseline_; }
  Explanation& explanation() { return explanation_; }

  // Embeddings [n, T, hidden_size] → logits [n, outputs]. Tokens stay those of the text, which say where it
  // ends.
  at::Tensor Logits(const at::Tensor& embeddings) {
    const int64_t n = embeddings.size(0);
    std::vector<int32_t> cu_seqlens;
    for (int64_t i = 0; i <= n; ++i) cu_seqlens.push_back(static_cast<int32_t>(i * tokens()));
    return model_->FromStates(kEmbedding, embeddings.flatten(0, 1), ids_.repeat({n}), cu_seqlens)
        .to(at::kDouble);
  }

  // visit(begin, end) for parts of [0, n) that fit into a pass.
  void ForEachPart(int64_t n, const std::function<void(int64_t begin, int64_t end)>& visit) const {
    const int64_t step = std::max<int64_t>(options_.max_tokens_per_batch / tokens(), 1);
    for (int64_t begin = 0; begin < n; begin += step) visit(begin, std::min(begin + step, n));
  }

 private:
  model::SequenceClassifier& model_;
  const ExplainOptions options_;
  FrozenParameters frozen_;
  at::Tensor ids_, text_, baseline_;  // [T], [T, hidden_size] both
  Explanation explanation_;
};

// At each place of the path between baseline and text.
at::Tensor EmbeddingsAt(const Explained& explained, std::span<const double> places) {
  const at::Tensor difference = explained.text() - explained.baseline();
  const at::Tensor alpha = at::tensor(std::vector<double>(places.begin(), places.end()), at::kDouble)
                               .to(difference.options())
                               .view({-1, 1, 1});
  return explained.baseline() + alpha * difference;
}

std::vector<double> LogitsAt(Explained& explained, const std::vector<double>& places) {
  const at::NoGradGuard no_grad;
  std::vector<double> logits;
  explained.ForEachPart(std::ssize(places), [&](int64_t begin, int64_t end) {
    const auto part = std::span(places).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    const at::Tensor of_part = explained.Logits(EmbeddingsAt(explained, part))
                                   .select(1, explained.explanation().output)
                                   .to(ops::Host());
    for (int64_t i = 0; i < end - begin; ++i) logits.push_back(of_part[i].item<double>());
  });
  return logits;
}

// Σ_d (x_td − x'_td) ∂logit/∂x_td at each place: [places, T] in double, on the host.
at::Tensor SlopesAt(Explained& explained, const std::vector<double>& places) {
  const at::Tensor difference = explained.text() - explained.baseline();
  std::vector<at::Tensor> slopes;
  explained.ForEachPart(std::ssize(places), [&](int64_t begin, int64_t end) {
    const auto part = std::span(places).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    const at::Tensor embeddings = EmbeddingsAt(explained, part).requires_grad_(true);
    const at::Tensor logits = explained.Logits(embeddings).select(1, explained.explanation().output);
    const at::Tensor gradient = torch::autograd::grad({logits.sum()}, {embeddings})[0];
    slopes.push_back((gradient * difference).to(at::kDouble).sum(-1).to(ops::Host()));
  });
  return at::cat(slopes);
}

// A part of the path, with what its integral gives and what the logit does on it.
struct Interval {
  double begin = 0, end = 1;
  double logit_at_begin = 0, logit_at_end = 0;
  at::Tensor contributions = {};  // [T]

  double Error() const {
    return std::fabs(contributions.sum().item<double>() - (logit_at_end - logit_at_begin));
  }
};

void Integrate(Explained& explained, std::span<Interval> intervals) {
  static const Quadrature kRule = GaussLegendre(kPointsOfInterval);
  std::vector<double> places;
  for (const Interval& interval : intervals) {
    for (const double node : kRule.nodes)
      places.push_back(interval.begin + node * (interval.end - interval.begin));
  }
  const at::Tensor weights = at::tensor(kRule.weights, at::kDouble).unsqueeze(1);
  const auto slopes = SlopesAt(explained, places).split(kPointsOfInterval);
  for (size_t i = 0; i < intervals.size(); ++i)
    intervals[i].contributions = (slopes[i] * weights).sum(0) * (intervals[i].end - intervals[i].begin);
}

// The halves of each interval.
std::vector<Interval> Halved(Explained& explained, const std::vector<Interval>& intervals) {
  std::vector<double> middles;
  for (const Interval& interval : intervals) middles.push_back((interval.begin + interval.end) / 2);
  const std::vector<double> logits = LogitsAt(explained, middles);
  std::vector<Interval> halves;
  for (size_t i = 0; i < intervals.size(); ++i) {
    const Interval& whole = intervals[i];
    halves.push_back({.begin = whole.begin,
                      .end = middles[i],
                      .logit_at_begin = whole.logit_at_begin,
                      .logit_at_end = logits[i]});
    halves.push_back({.begin = middles[i],
                      .end = whole.end,
                      .logit_at_begin = logits[i],
                      .logit_at_end = whole.logit_at_end});
  }
  Integrate(explained, halves);
  return halves;
}

}  // namespace

double Explanation::Error() const {
  const double sum = std::accumulate(contributions.begin(), contributions.end(), 0.0);
  return std::fabs(sum - (logit - baseline_logit));
}

Explanation IntegratedGradients(model::SequenceClassifier& model, std::span<const int32_t> ids,
                                const ExplainOptions& options) {
  Explained explained(model, ids, options);
  Explanation& explanation = explained.explanation();
  const double allowed =
      options.tolerance * std::max(std::fabs(explanation.logit - explanation.baseline_logit), 0.01);
  std::vector<Interval> intervals = {
      {.logit_at_begin = explanation.baseline_logit, .logit_at_end = explanation.logit}};
  Integrate(explained, intervals);
  for (;;) {
    double error = 0, largest = 0;
    for (const Interval& interval : intervals) {
      error += interval.Error();
      largest = std::max(largest, interval.Error());
    }
    const auto bad = std::partition(intervals.begin(), intervals.end(),
                                    [&](const Interval& interval) { return interval.Error() < largest / 4; });
    const int64_t points = kPointsOfInterval * (std::ssize(intervals) + (intervals.end() - bad));
    if (error <= allowed || points > options.max_points) break;
    const std::vector<Interval> halves = Halved(explained, std::vector<Interval>(bad, intervals.end()));
    intervals.erase(bad, intervals.end());
    intervals.insert(intervals.end(), halves.begin(), halves.end());
  }
  at::Tensor sum = at::zeros({explained.tokens()}, at::kDouble);
  for (const Interval& interval : intervals) sum += interval.contributions;
  const auto values = ops::HostValues<const double>(sum);
  explanation.contributions.assign(values.begin(), values.end());
  return explanation;
}

Explanation Occlusion(model::SequenceClassifier& model, std::span<const int32_t> ids,
                      const ExplainOptions& options) {
  const at::NoGradGuard no_grad;
  Explained explained(model, ids, options);
  Explanation& explanation = explained.explanation();
  // The token after <bos> is the first that is left out.
  explained.ForEachPart(explained.tokens() - 1, [&](int64_t begin, int64_t end) {
    at::Tensor embeddings = explained.text().unsqueeze(0).repeat({end - begin, 1, 1});
    for (int64_t i = begin; i < end; ++i) embeddings[i - begin][i + 1] = explained.baseline()[i + 1];
    const at::Tensor logits = explained.Logits(embeddings).select(1, explanation.output).to(ops::Host());
    for (int64_t i = begin; i < end; ++i)
      explanation.contributions[static_cast<size_t>(i + 1)] =
          explanation.logit - logits[i - begin].item<double>();
  });
  return explanation;
}

std::vector<ExplainedPiece> Pieces(const text::Tokenizer& tokenizer, std::span<const int32_t> ids,
                                   std::span<const double> contributions) {
  GEMTUNE_CHECK(ids.size() == contributions.size());
  std::vector<ExplainedPiece> pieces;
  for (size_t begin = 0, end = 0; begin < ids.size(); begin = end) {
    end = begin + 1;
    while (tokenizer.IsByte(ids[begin]) && end < ids.size() && tokenizer.IsByte(ids[end])) ++end;
    const auto of_piece = contributions.subspan(begin, end - begin);
    pieces.push_back(
        {.text = tokenizer.Decode(ids.subspan(begin, end - begin), /*skip_special_tokens=*/false),
         .contribution = std::accumulate(of_piece.begin(), of_piece.end(), 0.0)});
  }
  return pieces;
}

// Newton's method from Chebyshev's nodes, which are near (Press et al., Numerical Recipes, gauleg).
Quadrature GaussLegendre(int64_t points) {
  Quadrature quadrature;
  const auto n = static_cast<double>(points);
  for (int64_t i = 0; i < points; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5)), slope = 0;
    for (int iteration = 0; iteration < 100; ++iteration) {
      double value = 1, before = 0;  // P_n(x), P_{n-1}(x) by the recurrence
      for (int64_t k = 1; k <= points; ++k) {
        const auto degree = static_cast<double>(k);
        const double next = ((2 * degree - 1) * x * value - (degree - 1) * before) / degree;
        before = std::exchange(value, next);
      }
      slope = n * (x * value - before) / (x * x - 1);
      const double move = value / slope;
      x -= move;
      if (std::fabs(move) < 1e-15) break;
    }
    quadrature.nodes.push_back((1 - x) / 2);
    quadrature.weights.push_back(1 / ((1 - x * x) * slope * slope));
  }
  return quadrature;
}

}  // namespace gemtune::infer
