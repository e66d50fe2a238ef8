#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/data/file_list.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::data {

/// The tokenised form of files on disk: `cache_dir`/<key>.safetensors. The key is a hash (XXH3, 128 bits) of
/// all that the result depends on: contents and format of the files, not their names; the tokenizer's
/// fingerprint; the options; a version of this code. So an entry never goes stale, and nothing is ever
/// removed: the folder may be deleted at any time, with all that is in it. Several processes may share it.
class TokenCache {
 public:
  /// Hashes the files (some GB/s). Throws Error if one cannot be read.
  TokenCache(const DatasetOptions& options, const std::vector<DataFile>& files,
             const text::Tokenizer& tokenizer);

  const std::filesystem::path& path() const { return path_; }

  /// The examples if the entry is there. A damaged entry or a foreign file in its place is warned of and
  /// taken for missing; nothing in it is trusted unchecked.
  std::optional<Examples> Read() const;

  /// Makes the entry. A disk that refuses is warned of: a cache is no reason to stop.
  void Write(const Examples& examples) const;

 private:
  std::filesystem::path path_;
  std::string key_;
  int64_t vocab_size_;
  std::optional<LabelSet> labels_;        // that were asked for
  std::optional<LabelSet> known_labels_;  // that those there begin with
  LabelKind label_kind_;
};

}  // namespace gemtune::data
