#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gemtune/text/tokenizer.h"

namespace gemtune::data {

/// What a label is.
enum class LabelKind {
  kNone,        // no labels (predict)
  kSingle,      // one class of several: integer or string column
  kMultiLabel,  // any number of classes: list column of integers or strings
  kRegression,  // one number: integer or float column
};

/// The classes of a data set, in the order of their ids. Found on the training data, written to the model's
/// id2label, and given back when further files are read.
struct LabelSet {
  std::vector<std::string> names;  // names[id]; empty for kRegression and kNone
};

struct DatasetOptions {
  /// Paths or globs: .parquet .csv .tsv .jsonl .json, the last four also with .gz .zst .bz2 .lz4 behind.
  std::vector<std::string> files;
  std::string text_column = "text";
  std::string text_pair_column;  // empty: no pairs
  std::string label_column = "label";
  LabelKind label_kind = LabelKind::kSingle;
  std::optional<LabelSet> labels;   // given: rows must fit it; not given: found in the data
  int64_t max_samples = 0;          // the first so many rows over all files; 0: all
  int64_t max_length = 0;           // tokens an example; 0: no limit
  std::filesystem::path cache_dir;  // empty: no cache
};

/// Tokenised examples, all in three arrays: example i is ids[offsets[i], offsets[i+1]).
class Dataset {
 public:
  /// Reads, checks and tokenises the files, or takes the result of the same from the cache. Throws Error
  /// naming the file and row (counted from 1, a CSV header not counted) of the first bad one: no such column
  /// (with the columns there are), a null or empty label, a class that `labels` lacks, a type that does not
  /// fit `label_kind`.
  static Dataset Load(const DatasetOptions& options, const text::Tokenizer& tokenizer);

  /// Texts given directly, without labels and without a cache.
  static Dataset FromTexts(std::span<const std::string> texts, const text::Tokenizer& tokenizer,
                           int64_t max_length);

  int64_t size() const { return static_cast<int64_t>(offsets_.size()) - 1; }
  int64_t tokens() const { return static_cast<int64_t>(ids_.size()); }
  int64_t length(int64_t i) const { return offsets_[i + 1] - offsets_[i]; }
  std::span<const int32_t> ids(int64_t i) const;

  /// Number of float label values an example has: kSingle 1 (the class id), kMultiLabel number of classes (0
  /// or 1), kRegression 1, kNone 0.
  int64_t label_width() const { return label_width_; }
  std::span<const float> label(int64_t i) const;

  LabelKind label_kind() const { return label_kind_; }
  const LabelSet& labels() const { return labels_; }

  /// Examples whose text was cut at max_length.
  int64_t truncated() const { return truncated_; }

  /// The examples at `indices`, in that order.
  Dataset Select(std::span<const int64_t> indices) const;

  /// Splits off `fraction` of the examples (or, if ≥ 1, that many) at random by `seed`, both parts in the
  /// original order: {rest, split}. Throws Error if either part would be empty.
  std::pair<Dataset, Dataset> Split(double fraction, uint64_t seed) const;

  /// Where the examples came from: the cache entry it was taken from, or empty.
  const std::filesystem::path& cache_hit() const { return cache_hit_; }

 private:
  std::vector<int32_t> ids_;
  std::vector<int64_t> offsets_ = {0};
  std::vector<float> label_values_;
  int64_t label_width_ = 0;
  int64_t truncated_ = 0;
  LabelKind label_kind_ = LabelKind::kNone;
  LabelSet labels_;
  std::filesystem::path cache_hit_;
};

}  // namespace gemtune::data
