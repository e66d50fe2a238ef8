#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/data/file_list.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::data {

/// A cache of tokenised files on disk: `cache_dir`/<key>.safetensors. The key is a hash (XXH3, 128 bits) of
/// everything that the result depends on: contents and format of the files, but not their names; the
/// tokenizer's fingerprint; the options; a version of this code. So an entry never goes stale. Nothing is
/// ever removed, but users may delete the folder with its contents at any time. Several processes may share
/// it.
class TokenCache {
 public:
  /// Hashes the files (some GB/s). Throws Error if one cannot be read.
  TokenCache(const DatasetOptions& options, const std::vector<DataFile>& files,
             const text::Tokenizer& tokenizer);

  const std::filesystem::path& path() const { return path_; }

  /// The examples, if the entry exists. A damaged entry or a foreign file in its place causes a warning and
  /// counts as missing; nothing in it is trusted unchecked.
  std::optional<Examples> Read() const;

  /// Writes the entry. If that fails, only warns, since a run can do without the cache.
  void Write(const Examples& examples) const;

 private:
  std::filesystem::path path_;
  std::string key_;
  int64_t vocab_size_;
  std::optional<LabelSet> labels_;        // the requested labels
  std::optional<LabelSet> known_labels_;  // the first labels, those of the model
  LabelKind label_kind_;
  bool has_targets_;
};

}  // namespace gemtune::data
