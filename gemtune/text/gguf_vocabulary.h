#pragma once

#include <cstdint>
#include <filesystem>

#include "gemtune/io/gguf_writer.h"
#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

/// The vocabulary in a GGUF's metadata (tokenizer.ggml.*), with its chat template if it has one. Throws an
/// Error naming the file if there is none, or it is damaged or not like Gemma's.
Vocabulary ReadGgufVocabulary(const std::filesystem::path& path);

/// Adds tokenizer.ggml.* and tokenizer.chat_template, as llama.cpp's convert_hf_to_gguf.py writes them for
/// Gemma 3 (TextModel._set_vocab_sentencepiece): as many tokens as the embedding has `rows`, added tokens
/// with the score −1000, the special ones as control tokens, rows without a token as unused.
void AddGgufVocabulary(const Vocabulary& vocabulary, int64_t rows, io::GgufMetadata& metadata);

}  // namespace gemtune::text
