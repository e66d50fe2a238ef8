#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "gemtune/infer/kv_cache.h"
#include "gemtune/infer/sampling.h"
#include "gemtune/model/pretrained.h"

namespace gemtune::infer {

struct GenerateOptions {
  SamplingOptions sampling;
  std::vector<int32_t> eos_token_ids;  // a sequence ends with the first of them that is chosen
  std::vector<std::string> stops;      // ... or where one of these stands in its text, none of them empty
  int64_t max_new_tokens = 256;
  int64_t min_new_tokens = 0;          // before, no eos is chosen
  int64_t max_sequences = 32;          // continued side by side
  int64_t max_tokens_per_pass = 2048;  // of prompts
};

/// A prompt and whose turn it is.
struct Prompt {
  std::vector<int32_t> ids;  // at least one, all in the vocabulary
  CachedSequence* sequence =
      nullptr;  // if set, is continued where it is a beginning of ids, and keeps the result
};

/// Why a sequence ended, in the words of OpenAI's interface.
enum class FinishReason { kStop, kLength, kCancelled };
const char* Name(FinishReason reason);  // "stop" (an eos token or a stop string), "length", "cancelled"

struct Generation {
  std::vector<int32_t> ids;  // that were generated, with the eos token
  std::string text;          // of them, without special tokens and before the first stop string
  FinishReason reason = FinishReason::kLength;
};

/// Whom to tell, in the order in which it happens; each may be empty.
struct GenerateObserver {
  std::function<void(int64_t prompt, const std::string& text)> on_text;  // whole characters, see AnswerText
  std::function<void(int64_t prompt, const Generation&)> on_done;
  std::function<bool()> should_cancel;  // asked before each pass
};

/// Continues prompts of any lengths with a language model. Up to max_sequences are in work; one that ends
/// makes room for the next. A pass takes either prompts, cut at max_tokens_per_pass, or one new token of each
/// sequence; in both, tokens lie end to end without padding. What is drawn for a prompt depends on the seed
/// and its number alone. Without autograd; unmerged adapters and weights in blocks work as in the model.
///
/// Throws Error, before anything is computed, for options out of range and for a prompt that leaves no room
/// in max_position_embeddings; the message gives its number (from 1). A sequence that reaches that end is cut
/// there.
void Generate(model::PretrainedCausalLm& model, std::span<const Prompt> prompts,
              const GenerateOptions& options, const GenerateObserver& observer);

}  // namespace gemtune::infer
