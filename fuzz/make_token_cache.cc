#include <cstdio>

#include "fuzz/token_cache.h"
#include "gemtune/data/dataset.h"

// Writes the entry that token_cache_fuzz starts from to the given path.
int main(int argc, char** argv) {
  namespace fuzz = gemtune::fuzz;
  if (argc != 2) return std::fprintf(stderr, "usage: make_token_cache FILE\n"), 2;
  const gemtune::data::TokenCache cache = fuzz::TinyCache();
  gemtune::data::Dataset::Load(
      {.files = {(fuzz::Directory() / "rows.csv").string()}, .cache_dir = fuzz::Directory() / "cache"},
      gemtune::text::Tokenizer::Load(GEMTUNE_SOURCE_DIR "/tests/text/golden/tiny"));
  std::filesystem::copy_file(cache.path(), argv[1], std::filesystem::copy_options::overwrite_existing);
  return 0;
}
