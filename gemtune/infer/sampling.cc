#include "gemtune/infer/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "gemtune/base/error.h"
#include "gemtune/base/split_mix.h"

namespace gemtune::infer {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

struct Candidate {
  float score;
  int32_t id;
};
bool IsLess(const Candidate& a, const Candidate& b) {
  return a.score < b.score || (a.score == b.score && a.id > b.id);
}

// RepetitionPenaltyLogitsProcessor.
void Penalise(std::span<float> scores, std::span<const int32_t> context, double penalty) {
  if (penalty == 1.0) return;
  const auto factor = static_cast<float>(penalty);
  for (const int32_t id : std::unordered_set<int32_t>(context.begin(), context.end())) {
    float& score = scores[static_cast<size_t>(id)];
    score = score < 0 ? score * factor : score / factor;
  }
}

// TopKLogitsWarper: all that are not below the k-th.
std::vector<Candidate> TopK(std::span<const float> scores, size_t k) {
  std::vector<float> largest;  // a heap with the least in front
  if (k > 0 && k < scores.size()) {
    const std::greater<float> order;
    for (const float score : scores) {
      if (largest.size() == k && !(score > largest.front())) continue;
      if (largest.size() == k) {
        std::pop_heap(largest.begin(), largest.end(), order);
        largest.pop_back();
      }
      largest.push_back(score);
      std::push_heap(largest.begin(), largest.end(), order);
    }
  }
  const float least = largest.empty() ? kNever : largest.front();
  std::vector<Candidate> candidates;
  for (size_t id = 0; id < scores.size(); ++id) {
    if (scores[id] >= least && scores[id] != kNever)
      candidates.push_back({scores[id], static_cast<int32_t>(id)});
  }
  return candidates;
}

// The weight of a score in the softmax.
double Weight(const Candidate& candidate, float largest) {
  return std::exp(static_cast<double>(candidate.score) - largest);
}

double TotalWeight(const std::vector<Candidate>& candidates, float largest) {
  double total = 0;
  for (const Candidate& candidate : candidates) total += Weight(candidate, largest);
  return total;
}

// TopPLogitsWarper: in falling order, those before which less than top_p is reached.
void KeepTopP(std::vector<Candidate>& candidates, double top_p, float largest) {
  if (top_p >= 1.0) return;
  const double enough = top_p * TotalWeight(candidates, largest);
  std::make_heap(candidates.begin(), candidates.end(), IsLess);
  std::vector<Candidate> kept;
  double reached = 0;
  while (!candidates.empty() && (kept.empty() || reached < enough)) {
    std::pop_heap(candidates.begin(), candidates.end(), IsLess);
    kept.push_back(candidates.back());
    candidates.pop_back();
    reached += Weight(kept.back(), largest);
  }
  candidates = std::move(kept);
}

// MinPLogitsWarper.
void KeepMinP(std::vector<Candidate>& candidates, double min_p, float largest) {
  if (min_p <= 0.0) return;
  std::erase_if(candidates, [&](const Candidate& candidate) { return Weight(candidate, largest) < min_p; });
}

uint64_t Mixed(uint64_t x) {
  return SplitMix(x + kSplitMixStep);
}

}  // namespace

void CheckSampling(const SamplingOptions& options) {
  const auto check = [](const char* name, double value, bool is_good, const char* range) {
    if (!is_good) Fail("`{}` is {}; it must be {}", name, value, range);
  };
  check("temperature", options.temperature, options.temperature > 0 && std::isfinite(options.temperature),
        "above 0");
  check("top_k", static_cast<double>(options.top_k), options.top_k >= 0, "0 or more");
  check("top_p", options.top_p, options.top_p > 0 && options.top_p <= 1, "above 0 and at most 1");
  check("min_p", options.min_p, options.min_p >= 0 && options.min_p <= 1, "between 0 and 1");
  check("repetition_penalty", options.repetition_penalty,
        options.repetition_penalty > 0 && std::isfinite(options.repetition_penalty), "above 0");
}

double UniformAt(uint64_t seed, uint64_t sequence, uint64_t position) {
  return static_cast<double>(Mixed(Mixed(Mixed(seed) + sequence) + position) >> 11) * 0x1p-53;
}

std::vector<TokenProbability> NextTokens(std::span<float> scores, const SamplingOptions& options,
                                         const TokenPlace& place) {
  Penalise(scores, place.context, options.repetition_penalty);
  for (const int32_t id : place.banned) scores[static_cast<size_t>(id)] = kNever;
  const auto best = std::ranges::max_element(scores);
  if (!std::isfinite(*best)) Fail("the model's output is not finite; try `dtype` fp32, or check its weights");
  if (!options.do_sample) return {{static_cast<int32_t>(best - scores.begin()), 1.0}};
  if (options.temperature != 1.0) {
    for (float& score : scores) score /= static_cast<float>(options.temperature);
  }
  std::vector<Candidate> candidates = TopK(scores, static_cast<size_t>(options.top_k));
  const float largest = std::ranges::max_element(candidates, IsLess)->score;
  KeepTopP(candidates, options.top_p, largest);
  KeepMinP(candidates, options.min_p, largest);
  std::ranges::sort(candidates, {}, &Candidate::id);
  const double total = TotalWeight(candidates, largest);
  std::vector<TokenProbability> tokens;
  tokens.reserve(candidates.size());
  for (const Candidate& candidate : candidates)
    tokens.push_back({candidate.id, Weight(candidate, largest) / total});
  return tokens;
}

int32_t ChooseToken(std::span<float> scores, const SamplingOptions& options, const TokenPlace& place) {
  const std::vector<TokenProbability> tokens = NextTokens(scores, options, place);
  if (tokens.size() == 1) return tokens.front().id;
  double left = UniformAt(options.seed, place.sequence, place.position);
  for (const TokenProbability& token : tokens) {
    left -= token.probability;
    if (left < 0) return token.id;
  }
  return tokens.back().id;
}

}  // namespace gemtune::infer
