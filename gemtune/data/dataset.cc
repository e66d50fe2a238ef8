#include "gemtune/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <optional>
#include <string_view>
#include <system_error>

#include "gemtune/base/error.h"
#include "gemtune/base/hash.h"
#include "gemtune/base/log.h"
#include "gemtune/base/progress.h"
#include "gemtune/data/labels/encode_labels.h"
#include "gemtune/data/labels/loss_weights.h"
#include "gemtune/data/row_encoder.h"
#include "gemtune/data/shuffle.h"
#include "gemtune/data/table.h"
#include "gemtune/data/token_cache.h"

namespace gemtune::data {
namespace {

// Differs from the streams of EpochBatches, which are the epochs' numbers.
constexpr uint64_t kSplitStream = uint64_t{1} << 63;

// Removes the examples in `bad`, and adds them to the rows that were skipped earlier.
void DropBad(const BadRows& bad, Examples& examples) {
  if (bad.empty()) return;
  const auto width = static_cast<size_t>(LabelWidth(examples.label_kind, examples.labels));
  Examples kept{.label_kind = examples.label_kind,
                .labels = std::move(examples.labels),
                .warnings = std::move(examples.warnings)};
  auto skipped = examples.skipped.begin();
  const size_t size = examples.truncated.size();
  for (size_t i = 0; i <= size; ++i) {
    const auto before = std::ssize(kept.truncated);
    for (; skipped != examples.skipped.end() && skipped->before == static_cast<int64_t>(i); ++skipped) {
      kept.skipped.push_back({before, skipped->fault, std::move(skipped->message)});
    }
    if (i == size) break;
    if (const auto found = bad.find(i); found != bad.end()) {
      kept.skipped.push_back({before, found->second.fault(), found->second.what()});
      continue;
    }
    kept.ids.insert(kept.ids.end(), examples.ids.begin() + examples.offsets[i],
                    examples.ids.begin() + examples.offsets[i + 1]);
    kept.offsets.push_back(std::ssize(kept.ids));
    if (!examples.is_target.empty()) {
      kept.is_target.insert(kept.is_target.end(), examples.is_target.begin() + examples.offsets[i],
                            examples.is_target.begin() + examples.offsets[i + 1]);
    }
    kept.truncated.push_back(examples.truncated[i]);
    const auto label = examples.label_values.begin() + static_cast<ptrdiff_t>(i * width);
    kept.label_values.insert(kept.label_values.end(), label, label + static_cast<ptrdiff_t>(width));
    if (!examples.loss_weights.empty()) kept.loss_weights.push_back(examples.loss_weights[i]);
  }
  examples = std::move(kept);
}

Columns ColumnsOf(const DatasetOptions& options) {
  if (options.row_kind == RowKind::kConversation) return {.conversation = options.conversation_columns};
  Columns columns{options.text_column, options.text_pair_column, options.label_column,
                  options.loss_weight_column};
  if (options.label_kind == LabelKind::kNone) {
    columns.label.clear();
    columns.loss_weight.clear();
  }
  if (options.row_kind == RowKind::kDocument) columns.text_pair.clear();
  return columns;
}

// What a kind of rows asks of the files and the tokenizer.
void CheckKind(const DatasetOptions& options, const std::vector<DataFile>& files,
               const text::Tokenizer& tokenizer) {
  GEMTUNE_CHECK(options.row_kind == RowKind::kText || options.label_kind == LabelKind::kNone);
  if (options.row_kind != RowKind::kDocument) std::ranges::for_each(files, RefusePlainText);
  if (options.row_kind == RowKind::kConversation) text::CheckChatTemplate(tokenizer, "`model`");
}

Examples ReadExamples(const std::vector<DataFile>& files, const DatasetOptions& options,
                      const text::Tokenizer& tokenizer) {
  Examples examples;
  const bool skips = options.on_bad_row == OnBadRow::kSkip;
  BadRows bad_examples;
  BadRows* const bad = skips ? &bad_examples : nullptr;
  RowEncoder encoder(options, tokenizer, examples, bad_examples);
  RawLabels raw;
  raw.files = files;
  std::vector<RawLabel> weights;
  ProgressBar bar("reading and tokenising");
  const auto take = [&](RowBatch& batch) {
    encoder.Add(batch, files[batch.file]);
    raw.Append(batch);
    std::ranges::move(batch.loss_weights, std::back_inserter(weights));
    bar.Show(std::ssize(examples.truncated), options.max_samples, "examples");
  };
  const auto skip = [&](const RowError& error, int64_t before) {
    examples.skipped.push_back({before, error.fault(), error.what()});
  };
  raw.schemas =
      ReadTable(files, ColumnsOf(options), options.max_samples, take,
                {.bad_row = skips ? TakeBadRow(skip) : nullptr, .csv_delimiter = options.csv_delimiter});
  encoder.Finish();
  if (examples.truncated.empty() && examples.skipped.empty()) Fail("{}: no rows", SourceOf(files));
  examples.label_kind = options.label_kind;
  if (!examples.truncated.empty()) {
    EncodedLabels encoded = ReadLabels(
        raw, {.kind = options.label_kind, .labels = options.labels, .known_labels = options.known_labels},
        bad);
    examples.labels = std::move(encoded.labels);
    examples.label_values = std::move(encoded.values);
    examples.warnings = std::move(encoded.warnings);
    if (!weights.empty()) examples.loss_weights = ReadLossWeights(weights, raw, bad);
    DropBad(bad_examples, examples);
  }
  if (examples.truncated.empty()) {
    Fail("{}: none of {} rows can be used; the first: {}", SourceOf(files), examples.skipped.size(),
         examples.skipped.front().message);
  }
  return examples;
}

// Hashing is many times faster than tokenising, unless only a few rows of huge files are wanted.
bool WorthHashing(const DatasetOptions& options, const std::vector<DataFile>& files) {
  constexpr uint64_t kQuicklyHashed = uint64_t{1} << 30;
  if (options.max_samples == 0) return true;
  uint64_t bytes = 0;
  std::error_code error;  // an error appears when the file is read
  for (const DataFile& file : files) bytes += std::filesystem::file_size(file.path, error);
  return bytes <= kQuicklyHashed;
}

}  // namespace

Dataset Dataset::Load(const DatasetOptions& options, const text::Tokenizer& tokenizer) {
  GEMTUNE_CHECK(options.max_samples >= 0 && options.max_length >= 0);
  GEMTUNE_CHECK(!options.labels || !options.known_labels);
  const std::vector<DataFile> files = ListFiles(options.files);
  if (files.empty()) Fail("no data file is given");
  CheckKind(options, files, tokenizer);
  const auto load = [&] {
    if (options.cache_dir.empty() || !WorthHashing(options, files))
      return Dataset(ReadExamples(files, options, tokenizer));
    const TokenCache cache(options, files, tokenizer);
    if (std::optional<Examples> examples = cache.Read()) return Dataset(std::move(*examples), cache.path());
    Examples examples = ReadExamples(files, options, tokenizer);
    cache.Write(examples);
    return Dataset(std::move(examples));
  };
  Dataset dataset = load();
  for (const std::string& warning : dataset.examples_.warnings) log::Warning("{}", warning);
  if (!dataset.skipped().empty()) {
    const bool are_rows = options.row_kind != RowKind::kDocument;  // its examples
    const int64_t rows = are_rows ? dataset.size() + std::ssize(dataset.skipped()) : 0;
    log::Warning("{}", SkippedSummary(SourceOf(files), rows, dataset.skipped()));
  }
  return dataset;
}

Dataset::Dataset(Examples examples, std::filesystem::path cache_hit)
    : examples_(std::move(examples)),
      label_width_(LabelWidth(examples_.label_kind, examples_.labels)),
      cache_hit_(std::move(cache_hit)) {
  const std::vector<int64_t>& offsets = examples_.offsets;
  GEMTUNE_CHECK(!offsets.empty() && offsets.front() == 0 && offsets.back() == tokens());
  GEMTUNE_CHECK(std::is_sorted(offsets.begin(), offsets.end()));
  GEMTUNE_CHECK(std::ssize(examples_.truncated) == size());
  GEMTUNE_CHECK(examples_.is_target.empty() || std::ssize(examples_.is_target) == tokens());
  GEMTUNE_CHECK(std::ssize(examples_.label_values) == size() * label_width_);
  GEMTUNE_CHECK(examples_.loss_weights.empty() || std::ssize(examples_.loss_weights) == size());
}

std::span<const int32_t> Dataset::ids(int64_t i) const {
  return std::span(examples_.ids).subspan(examples_.offsets.at(i), length(i));
}

std::span<const uint8_t> Dataset::is_target(int64_t i) const {
  if (examples_.is_target.empty()) return {};
  return std::span(examples_.is_target).subspan(examples_.offsets.at(i), length(i));
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
    const std::span<const uint8_t> targets_of_i = is_target(i);
    selected.is_target.insert(selected.is_target.end(), targets_of_i.begin(), targets_of_i.end());
    selected.offsets.push_back(static_cast<int64_t>(selected.ids.size()));
    selected.truncated.push_back(examples_.truncated[i]);
    selected.label_values.insert(selected.label_values.end(), label_of_i.begin(), label_of_i.end());
    if (!examples_.loss_weights.empty()) selected.loss_weights.push_back(examples_.loss_weights[i]);
  }
  return Dataset(std::move(selected));
}

std::pair<Dataset, Dataset> Dataset::Split(double fraction, uint64_t seed) const {
  const double wanted = fraction < 1 ? std::round(fraction * static_cast<double>(size())) : fraction;
  // NaN fails the first comparison.
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
    hash.Add(bytes.size());
    hash.AddBytes(bytes);
  };
  add(examples_.ids);
  add(examples_.offsets);
  if (!examples_.is_target.empty()) add(examples_.is_target);
  add(examples_.label_values);
  for (const std::string& name : examples_.labels.names) hash.Add(name);
  if (!examples_.loss_weights.empty()) add(examples_.loss_weights);
  return hash.Hex();
}

}  // namespace gemtune::data
