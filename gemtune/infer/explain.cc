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

std::vector<double> Integrate(Explained& explained, int64_t points) {
  const Quadrature quadrature = GaussLegendre(points);
  const at::Tensor difference = explained.text() - explained.baseline();
  at::Tensor sum = at::zeros({explained.tokens()}, difference.options().dtype(at::kDouble));
  explained.ForEachPart(points, [&](int64_t begin, int64_t end) {
    const auto part = [&](const std::vector<double>& values) {
      const at::Tensor all = at::tensor(values, at::kDouble);
      return all.slice(0, begin, end).to(difference.device());
    };
    const at::Tensor alpha = part(quadrature.nodes).to(difference.scalar_type()).view({-1, 1, 1});
    const at::Tensor embeddings = (explained.baseline() + alpha * difference).requires_grad_(true);
    const at::Tensor logits = explained.Logits(embeddings).select(1, explained.explanation().output);
    const at::Tensor gradient =
        torch::autograd::grad({(logits * part(quadrature.weights)).sum()}, {embeddings})[0];
    sum += (gradient * difference).to(at::kDouble).sum(at::IntArrayRef({0, 2}));
  });
  const at::Tensor on_host = sum.to(ops::Host());
  const auto values = ops::HostValues<const double>(on_host);
  return {values.begin(), values.end()};
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
  for (int64_t points = 8; points <= options.max_points; points *= 2) {
    explanation.contributions = Integrate(explained, points);
    if (explanation.Error() <= allowed) break;
  }
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
