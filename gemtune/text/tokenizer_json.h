#pragma once

#include <string>
#include <string_view>

#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

/// Reads a tokenizer.json of Hugging Face's `tokenizers`. Sets pieces, merges, added tokens, unk_id and the
/// template of special tokens; the settings of tokenizer_config.json are left unset. Throws Error("<source>:
/// ...") if the file is damaged or its tokenizer is not like Gemma's: BPE with byte fallback, no change to
/// the text except ' ' → ▁, a template as post-processor.
Vocabulary ParseTokenizerJson(std::string_view json, const std::string& source);

/// The inverse, laid out as `tokenizers` saves it.
std::string FormatTokenizerJson(const Vocabulary& vocabulary);

}  // namespace gemtune::text
