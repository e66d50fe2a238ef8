#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gemtune/model/heads.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::infer {

struct ExplainOptions {
  double tolerance = 0.01;              // see IntegratedGradients
  int64_t max_points = 512;             // of the integral, of those that are kept
  int64_t max_tokens_per_batch = 4096;  // of a forward and backward pass
};

/// What each token of a text contributes to one output of a classifier.
struct Explanation {
  int64_t output = 0;                 // the one with the highest logit
  double logit = 0;                   // of the text
  double baseline_logit = 0;          // with <pad> in the place of every token but <bos>
  std::vector<double> contributions;  // [T]; <bos> has 0

  /// How far the contributions' sum is from logit − baseline_logit.
  double Error() const;
};

/// Integrated gradients (Sundararajan et al. 2017, eq. 1) over the embedding: of token t, Σ_d (x_td − x'_td)
/// ∫₀¹ ∂logit/∂x_td at x' + α(x − x') dα, with x the embeddings of `ids` and x' those of the baseline. The
/// integral is Gauss and Legendre's of 8 points over an interval of α, which is halved where its part of the
/// sum over the tokens is furthest from what the logit changes there, until these distances add up to less
/// than `tolerance` of the logits' difference (of 0.01 if that is less) or there are max_points.
Explanation IntegratedGradients(model::SequenceClassifier& model, std::span<const int32_t> ids,
                                const ExplainOptions& options = {});

/// A check on the above that needs no gradient: of token t, by how much the logit falls if the embedding of
/// <pad> stands in its place. As many forward passes as tokens. The sum is not the logits' difference.
Explanation Occlusion(model::SequenceClassifier& model, std::span<const int32_t> ids,
                      const ExplainOptions& options = {});

/// A part of a text that can be shown: a token, or several that are bytes of one character.
struct ExplainedPiece {
  std::string text;
  double contribution = 0;
};

std::vector<ExplainedPiece> Pieces(const text::Tokenizer& tokenizer, std::span<const int32_t> ids,
                                   std::span<const double> contributions);

/// The nodes of (0, 1) and their weights, which add up to 1.
struct Quadrature {
  std::vector<double> nodes, weights;
};
Quadrature GaussLegendre(int64_t points);

}  // namespace gemtune::infer
