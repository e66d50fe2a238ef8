#include "gemtune/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string_view>
#include <system_error>

#include "gemtune/base/error.h"
#include "gemtune/base/hash.h"
#include "gemtune/data/shuffle.h"
#include "gemtune/data/table.h"
#include "gemtune/data/token_cache.h"

namespace gemtune::data {
namespace {

// Apart from those of EpochBatches, which are the epochs' numbers.
constexpr uint64_t kSplitStream = uint64_t{1} << 63;

// The tokens of a batch of rows, and which rows were cut. Those that turn out too long are encoded a second
// time: only the tokenizer knows where a pair, and what before its last special tokens, is to be cut.
std::vector<std::vector<int32_t>> Encode(const RowBatch& batch, int64_t max_length,
                                         const text::Tokenizer& tokenizer, std::vector<uint8_t>& truncated) {
  const std::vector<std::string_view> texts = batch.text.Views();
  const std::vector<std::string_view> pairs = batch.text_pair.Views();
  std::vector<std::vector<int32_t>> encoded = tokenizer.EncodeBatch(texts, pairs);
  std::vector<size_t> long_rows;
  std::vector<std::string_view> long_texts, long_pairs;
  for (size_t i = 0; i < encoded.size(); ++i) {
    const bool is_long = max_length > 0 && std::ssize(encoded[i]) > max_length;
    truncated.push_back(is_long ? 1 : 0);
    if (!is_long) continue;
    long_rows.push_back(i);
    long_texts.push_back(texts[i]);
    if (!pairs.empty()) long_pairs.push_back(pairs[i]);
  }
  std::vector<std::vector<int32_t>> cut =
      tokenizer.EncodeBatch(long_texts, long_pairs, {.max_length = max_length});
  for (size_t k = 0; k < cut.size(); ++k) encoded[long_rows[k]] = std::move(cut[k]);
  return encoded;
}

void AddTokens(const RowBatch& batch, const DataFile& file, int64_t max_length,
               const text::Tokenizer& tokenizer, Examples& examples) {
  const auto encoded = Encode(batch, max_length, tokenizer, examples.truncated);
  for (size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i].empty()) Fail("{}: row {}: the text has no tokens", file.path.string(), batch.rows[i]);
    examples.ids.insert(examples.ids.end(), encoded[i].begin(), encoded[i].end());
    examples.offsets.push_back(static_cast<int64_t>(examples.ids.size()));
  }
}

Examples ReadExamples(const std::vector<DataFile>& files, const DatasetOptions& options,
                      const text::Tokenizer& tokenizer) {
  Columns columns{options.text_column, options.text_pair_column, options.label_column};
  if (options.label_kind == LabelKind::kNone) columns.label.clear();
  Examples examples;
  RawLabels raw;
  raw.files = files;
  raw.schemas = ReadTable(files, columns, options.max_samples, [&](RowBatch& batch) {
    AddTokens(batch, files[batch.file], options.max_length, tokenizer, examples);
    raw.Append(batch);
  });
  if (examples.truncated.empty()) {
    Fail("{}{}: no rows", files[0].path.string(), files.size() > 1 ? " and the other files" : "");
  }
  examples.label_kind = options.label_kind;
  examples.labels = options.labels ? *options.labels : FindLabels(raw, options.label_kind);
  examples.label_values = EncodeLabels(raw, options.label_kind, examples.labels);
  return examples;
}

// Hashing is many times faster than tokenising, but not where a few rows of huge files are asked for.
bool WorthHashing(const DatasetOptions& options, const std::vector<DataFile>& files) {
  constexpr uint64_t kQuicklyHashed = uint64_t{1} << 30;
  if (options.max_samples == 0) return true;
  uint64_t bytes = 0;
  std::error_code error;  // shows when the file is read
  for (const DataFile& file : files) bytes += std::filesystem::file_size(file.path, error);
  return bytes <= kQuicklyHashed;
}

}  // namespace

Dataset Dataset::Load(const DatasetOptions& options, const text::Tokenizer& tokenizer) {
  GEMTUNE_CHECK(options.max_samples >= 0 && options.max_length >= 0);
  const std::vector<DataFile> files = ListFiles(options.files);
  if (files.empty()) Fail("no data file is given");
  if (options.cache_dir.empty() || !WorthHashing(options, files)) {
    return Dataset(ReadExamples(files, options, tokenizer));
  }
  const TokenCache cache(options, files, tokenizer);
  if (std::optional<Examples> examples = cache.Read()) return Dataset(std::move(*examples), cache.path());
  Examples examples = ReadExamples(files, options, tokenizer);
  cache.Write(examples);
  return Dataset(std::move(examples));
}

Dataset::Dataset(Examples examples, std::filesystem::path cache_hit)
    : examples_(std::move(examples)),
      label_width_(LabelWidth(examples_.label_kind, examples_.labels)),
      cache_hit_(std::move(cache_hit)) {
  const std::vector<int64_t>& offsets = examples_.offsets;
  GEMTUNE_CHECK(!offsets.empty() && offsets.front() == 0 && offsets.back() == tokens());
  GEMTUNE_CHECK(std::is_sorted(offsets.begin(), offsets.end()));
  GEMTUNE_CHECK(std::ssize(examples_.truncated) == size());
  GEMTUNE_CHECK(std::ssize(examples_.label_values) == size() * label_width_);
}

std::span<const int32_t> Dataset::ids(int64_t i) const {
  return std::span(examples_.ids).subspan(examples_.offsets.at(i), length(i));
}

std::span<const float> Dataset::label(int64_t i) const {
  GEMTUNE_CHECK(i >= 0 && i < size());
  return std::span(examples_.label_values).subspan(i * label_width_, label_width_);
}

int64_t Dataset::truncated() const {
  return std::accumulate(examples_.truncated.begin(), examples_.truncated.end(), int64_t{0});
}

Dataset Dataset::Select(std::span<const int64_t> indices) const {
  Examples selected;
  selected.label_kind = examples_.label_kind;
  selected.labels = examples_.labels;
  for (const int64_t i : indices) {
    const std::span<const int32_t> tokens_of_i = ids(i);
    const std::span<const float> label_of_i = label(i);
    selected.ids.insert(selected.ids.end(), tokens_of_i.begin(), tokens_of_i.end());
    selected.offsets.push_back(static_cast<int64_t>(selected.ids.size()));
    selected.truncated.push_back(examples_.truncated[i]);
    selected.label_values.insert(selected.label_values.end(), label_of_i.begin(), label_of_i.end());
  }
  return Dataset(std::move(selected));
}

std::pair<Dataset, Dataset> Dataset::Split(double fraction, uint64_t seed) const {
  const double wanted = fraction < 1 ? std::round(fraction * static_cast<double>(size())) : fraction;
  // Not a number fails the first comparison.
  if (!(wanted >= 1) || wanted >= static_cast<double>(size()) || wanted != std::floor(wanted)) {
    Fail("cannot split {} off {} examples; give a fraction or a number that leaves both parts at least one",
         fraction, size());
  }
  std::vector<int64_t> split(static_cast<size_t>(size()));
  std::iota(split.begin(), split.end(), int64_t{0});
  Shuffler(seed, kSplitStream).Shuffle(split);
  std::vector<int64_t> rest(split.begin() + static_cast<int64_t>(wanted), split.end());
  split.resize(static_cast<size_t>(wanted));
  std::sort(split.begin(), split.end());
  std::sort(rest.begin(), rest.end());
  return {Select(rest), Select(split)};
}

std::string Dataset::Fingerprint() const {
  Hash hash;
  const auto add = [&](const auto& numbers) {
    const auto bytes = std::as_bytes(std::span(numbers));
    hash.Add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  };
  add(examples_.ids);
  add(examples_.offsets);
  add(examples_.label_values);
  for (const std::string& name : examples_.labels.names) hash.Add(name);
  return hash.Hex();
}

}  // namespace gemtune::data
