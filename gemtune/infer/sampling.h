#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gemtune::infer {

/// How the next token is chosen; names, order and meaning are those of transformers' GenerationConfig and of
/// its LogitsProcessor classes.
struct SamplingOptions {
  bool do_sample = false;    // false: the most probable token, the first of several equal ones
  double temperature = 1.0;  // > 0; scores are divided by it
  int64_t top_k = 50;        // only the k most probable tokens (and those equal to the k-th); 0: all
  double top_p = 1.0;        // (0, 1]; only the most probable ones that together have this probability
  double min_p = 0.0;        // [0, 1]; only those at least this probable, relative to the first
  double repetition_penalty =
      1.0;  // > 0; scores of tokens that occurred are divided by it, negative ones multiplied
  uint64_t seed = 0;
};

/// Throws Error, naming the field, for a value out of its range.
void CheckSampling(const SamplingOptions& options);

/// A number in [0, 1) that depends on these three alone, so that what is drawn for a sequence does not depend
/// on the others of its batch.
double UniformAt(uint64_t seed, uint64_t sequence, uint64_t position);

/// What a choice depends on besides the scores.
struct TokenPlace {
  std::span<const int32_t> context;      // the tokens so far, prompt included
  uint64_t sequence = 0, position = 0;   // for UniformAt
  std::span<const int32_t> banned = {};  // never chosen
};

struct TokenProbability {
  int32_t id;
  double probability;
};

/// The tokens that can be next and their probabilities, by ascending id; one token without do_sample. scores
/// [vocab_size], the model's logits, are overwritten. Throws Error if none of them is finite.
std::vector<TokenProbability> NextTokens(std::span<float> scores, const SamplingOptions& options,
                                         const TokenPlace& place);

/// One of them, drawn by UniformAt.
int32_t ChooseToken(std::span<float> scores, const SamplingOptions& options, const TokenPlace& place);

}  // namespace gemtune::infer
