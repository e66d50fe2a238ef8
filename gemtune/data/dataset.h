#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gemtune/data/conversation.h"
#include "gemtune/data/labels/labels.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::data {

/// What the rows of a data set are.
enum class RowKind : uint8_t {
  kText,          // a text, or a pair, with its label
  kConversation,  // in Gemma 3's turns, whose assistant's turns are to be predicted
  kDocument       // a text of any length, all of which is to be predicted
};

/// What becomes of a conversation that is longer than max_length.
enum class ExcessLength : uint8_t { kTruncate, kDrop };

struct DatasetOptions {
  /// Paths or globs: .parquet .csv .tsv .jsonl .json, for documents also .txt; all but the first may also end
  /// in .gz .zst .bz2 .lz4.
  std::vector<std::string> files = {};
  char csv_delimiter = '\0';  // between columns of .csv and .tsv; '\0': a comma, a tab
  std::string text_column = "text";
  std::string text_pair_column = {};  // empty: no pairs
  std::string label_column = "label";
  std::string loss_weight_column = {};  // how much a row's loss counts; empty: as much as any other's
  LabelKind label_kind = LabelKind::kSingle;
  RowKind row_kind = RowKind::kText;
  ConversationColumns conversation_columns = {};
  bool only_last_answer = false;  // of a conversation's, see text::ChatOptions
  ExcessLength excess_length = ExcessLength::kTruncate;
  /// If given, the classes are exactly these, in this order, and rows must fit them: the training data's
  /// classes when other data is read, or the user's names. Otherwise they are found in the data.
  std::optional<LabelSet> labels = {};
  /// The classes of an existing head to continue with; new classes come after them, see ExtendLabels. Not
  /// together with `labels`.
  std::optional<LabelSet> known_labels = {};
  int64_t max_samples = 0;  // use only this many rows over all files, counting bad ones; 0: all
  int64_t max_length = 0;   // most tokens per example; 0: no limit
  OnBadRow on_bad_row = OnBadRow::kError;
  std::filesystem::path cache_dir = {};  // see TokenCache; empty: no cache
};

/// Tokenised examples in flat arrays, the contents of a Dataset.
struct Examples {
  std::vector<int32_t> ids = {};         // of example i: [offsets[i], offsets[i + 1])
  std::vector<int64_t> offsets = {0};    // [examples + 1]
  std::vector<uint8_t> truncated = {};   // [examples] 1: the text was cut at max_length
  std::vector<uint8_t> is_target = {};   // [tokens] 1: to be predicted; empty: no token is
  std::vector<float> label_values = {};  // [examples · LabelWidth(label_kind, labels)]
  std::vector<float> loss_weights = {};  // [examples], or empty: all 1
  LabelKind label_kind = LabelKind::kNone;
  LabelSet labels = {};
  std::vector<SkippedRow> skipped = {};    // in the order of the files
  std::vector<std::string> warnings = {};  // about the labels, one line each, see EncodedLabels
};

/// Tokenised examples with their labels, in memory. Immutable.
class Dataset {
 public:
  /// Reads, checks and tokenises the files, or takes the result from the cache. Only one batch of texts is in
  /// memory at a time. Throws an Error naming the file and row of the first bad row, see ReadTable,
  /// FindLabels and ReadLabels; also if there are no rows. With OnBadRow::kSkip, skips bad rows and warns
  /// about them in one line; a fault in a whole file is still an Error. Warnings about labels are one line
  /// each.
  static Dataset Load(const DatasetOptions& options, const text::Tokenizer& tokenizer);

  /// From existing examples. `cache_hit` is the cache entry that they came from.
  explicit Dataset(Examples examples, std::filesystem::path cache_hit = {});

  int64_t size() const { return static_cast<int64_t>(examples_.offsets.size()) - 1; }
  int64_t tokens() const { return static_cast<int64_t>(examples_.ids.size()); }
  int64_t length(int64_t i) const { return examples_.offsets.at(i + 1) - examples_.offsets.at(i); }
  std::span<const int32_t> ids(int64_t i) const;

  /// For each token of an example whether a language model is to predict it; empty if the data set has no
  /// such tokens.
  std::span<const uint8_t> is_target(int64_t i) const;

  /// Number of float label values per example, see LabelWidth.
  int64_t label_width() const { return label_width_; }
  std::span<const float> label(int64_t i) const;

  /// How much each example's loss counts, [size]; empty: all 1.
  std::span<const float> loss_weights() const { return examples_.loss_weights; }

  LabelKind label_kind() const { return examples_.label_kind; }
  const LabelSet& labels() const { return examples_.labels; }

  /// Skipped rows, in the order of the files.
  const std::vector<SkippedRow>& skipped() const { return examples_.skipped; }

  /// Examples whose text was cut at max_length.
  int64_t truncated() const;

  /// The examples at `indices`, in that order, without the list of skipped rows.
  Dataset Select(std::span<const int64_t> indices) const;

  /// Splits off a random part, chosen by `seed`, and returns {rest, split}, both in the original order.
  /// `fraction` < 1 is the part's share, rounded to whole examples; ≥ 1 it is their number. Throws Error if
  /// either part would be empty.
  std::pair<Dataset, Dataset> Split(double fraction, uint64_t seed) const;

  /// A hash of the tokens, the targets among them, the labels, their names and the weights, in order.
  std::string Fingerprint() const;

  /// The cache entry that Load took the examples from, or empty.
  const std::filesystem::path& cache_hit() const { return cache_hit_; }

 private:
  Examples examples_;
  int64_t label_width_ = 0;
  std::filesystem::path cache_hit_;
};

}  // namespace gemtune::data
