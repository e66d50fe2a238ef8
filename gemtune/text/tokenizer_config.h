#pragma once

#include <string>
#include <string_view>

#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

/// Which file the vocabulary beside a tokenizer_config.json came from. transformers takes the template and
/// the added tokens of a tokenizer.json as they are, and makes them from the configuration for a
/// tokenizer.model.
enum class VocabularySource { kTokenizerJson, kSentencePiece };

/// Gives `vocabulary` what transformers' tokenizer_config.json, `json` ("{}" where there is none), says: the
/// ids of special tokens, the chat template and, for a tokenizer.model, added tokens and add_bos_token,
/// add_eos_token. Throws Error("<source>: ...") if it names a token that the vocabulary lacks.
void ApplyTokenizerConfig(std::string_view json, const std::string& source,
                          VocabularySource vocabulary_source, Vocabulary* vocabulary);

/// A tokenizer_config.json with which transformers' AutoTokenizer loads the tokenizer.json beside it.
std::string FormatTokenizerConfig(const Vocabulary& vocabulary);

}  // namespace gemtune::text
