#pragma once

#include <string>
#include <string_view>

#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

/// The file beside tokenizer_config.json that the vocabulary came from. transformers uses the template and
/// the added tokens of a tokenizer.json unchanged; for a tokenizer.model it makes them from the
/// configuration.
enum class VocabularySource { kTokenizerJson, kSentencePiece };

/// Applies transformers' tokenizer_config.json, `json` ("{}" if there is none), to `vocabulary`: the ids of
/// special tokens, the chat template and, for a tokenizer.model, added tokens and add_bos_token,
/// add_eos_token. Throws Error("<source>: ...") if it names a token that the vocabulary lacks.
void ApplyTokenizerConfig(std::string_view json, const std::string& source,
                          VocabularySource vocabulary_source, Vocabulary* vocabulary);

/// `json`, a tokenizer_config.json, with the added tokens of the vocabulary (added_tokens_decoder) unless it
/// lists them: transformers 5 leaves them to tokenizer.json, but llama.cpp's convert_hf_to_gguf.py looks for
/// them here.
std::string WithAddedTokens(std::string json, const std::string& source, const Vocabulary& vocabulary);

/// A tokenizer_config.json with which transformers' AutoTokenizer loads the tokenizer.json beside it.
std::string FormatTokenizerConfig(const Vocabulary& vocabulary);

}  // namespace gemtune::text
