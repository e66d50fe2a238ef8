#pragma once

#include <filesystem>

#include "gemtune/text/vocabulary.h"

namespace gemtune::text {

/// The vocabulary in a GGUF's metadata (tokenizer.ggml.*), with its chat template if it has one. Throws an
/// Error naming the file if there is none, or it is damaged or not like Gemma's.
Vocabulary ReadGgufVocabulary(const std::filesystem::path& path);

}  // namespace gemtune::text
