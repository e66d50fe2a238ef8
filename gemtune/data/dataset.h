#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gemtune/data/labels/labels.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::data {

struct DatasetOptions {
  /// Paths or globs: .parquet .csv .tsv .jsonl .json, the last four also with .gz .zst .bz2 .lz4 behind.
  std::vector<std::string> files = {};
  char csv_delimiter = '\0';  // between columns of .csv and .tsv; '\0': a comma, a tab
  std::string text_column = "text";
  std::string text_pair_column = {};  // empty: no pairs
  std::string label_column = "label";
  LabelKind label_kind = LabelKind::kSingle;
  /// Given: exactly these classes, in this order, and rows must fit them (the training data's when others are
  /// read, or the user's own names). Not given: found in the data.
  std::optional<LabelSet> labels = {};
  /// The classes of a head to go on with, not with `labels`: behind them stand those that are new, see
  /// ExtendLabels.
  std::optional<LabelSet> known_labels = {};
  int64_t max_samples = 0;  // the first so many rows over all files, bad ones too; 0: all
  int64_t max_length = 0;   // tokens an example; 0: no limit
  OnBadRow on_bad_row = OnBadRow::kError;
  std::filesystem::path cache_dir = {};  // see TokenCache; empty: no cache
};

/// Tokenised examples in flat arrays: what a Dataset is made of.
struct Examples {
  std::vector<int32_t> ids = {};         // of example i: [offsets[i], offsets[i + 1])
  std::vector<int64_t> offsets = {0};    // [examples + 1]
  std::vector<uint8_t> truncated = {};   // [examples] 1: the text was cut at max_length
  std::vector<float> label_values = {};  // [examples · LabelWidth(label_kind, labels)]
  LabelKind label_kind = LabelKind::kNone;
  LabelSet labels = {};
  std::vector<SkippedRow> skipped = {};    // in the order of the files
  std::vector<std::string> warnings = {};  // of the labels, one line each, see EncodedLabels
};

/// Tokenised examples with their labels, in memory. Immutable.
class Dataset {
 public:
  /// Reads, checks and tokenises the files, or takes the result of the same from the cache. Texts are in
  /// memory a batch at a time only. Throws Error naming the file and row of the first bad one, see ReadTable,
  /// FindLabels and ReadLabels; and for no rows. OnBadRow::kSkip leaves bad rows out and warns of them in
  /// one line; the warnings of the labels are a line each; what is wrong with a file as a whole is an Error
  /// all the same.
  static Dataset Load(const DatasetOptions& options, const text::Tokenizer& tokenizer);

  /// From examples made elsewhere. `cache_hit`: the cache entry that they are from.
  explicit Dataset(Examples examples, std::filesystem::path cache_hit = {});

  int64_t size() const { return static_cast<int64_t>(examples_.offsets.size()) - 1; }
  int64_t tokens() const { return static_cast<int64_t>(examples_.ids.size()); }
  int64_t length(int64_t i) const { return examples_.offsets.at(i + 1) - examples_.offsets.at(i); }
  std::span<const int32_t> ids(int64_t i) const;

  /// Number of float label values an example has, see LabelWidth.
  int64_t label_width() const { return label_width_; }
  std::span<const float> label(int64_t i) const;

  LabelKind label_kind() const { return examples_.label_kind; }
  const LabelSet& labels() const { return examples_.labels; }

  /// Rows that were left out, in the order of the files.
  const std::vector<SkippedRow>& skipped() const { return examples_.skipped; }

  /// Examples whose text was cut at max_length.
  int64_t truncated() const;

  /// The examples at `indices`, in that order; without what was skipped.
  Dataset Select(std::span<const int64_t> indices) const;

  /// Splits off `fraction` of the examples, to the nearest whole number of them (or, if ≥ 1, that many), at
  /// random by `seed`, both parts in the original order: {rest, split}. Throws Error if either part would be
  /// empty.
  std::pair<Dataset, Dataset> Split(double fraction, uint64_t seed) const;

  /// A hash of the tokens, the labels and their names, in their order.
  std::string Fingerprint() const;

  /// The cache entry that Load took the examples from, or empty.
  const std::filesystem::path& cache_hit() const { return cache_hit_; }

 private:
  Examples examples_;
  int64_t label_width_ = 0;
  std::filesystem::path cache_hit_;
};

}  // namespace gemtune::data
