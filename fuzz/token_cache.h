#pragma once

#include <filesystem>

#include "fuzz/fuzz.h"
#include "gemtune/base/file.h"
#include "gemtune/data/token_cache.h"

namespace gemtune::fuzz {

/// The cache entry of a small file, always of the same key: the input takes its place.
inline data::TokenCache TinyCache() {
  const std::filesystem::path file = Directory() / "rows.csv";
  WriteFileAtomically(file, "text,label\nthe cat,pos\ndog,neg\nbird,pos\n");
  const data::DatasetOptions options{.files = {file.string()}, .cache_dir = Directory() / "cache"};
  return {options, data::ListFiles(options.files),
          text::Tokenizer::Load(GEMTUNE_SOURCE_DIR "/tests/text/golden/tiny")};
}

}  // namespace gemtune::fuzz
