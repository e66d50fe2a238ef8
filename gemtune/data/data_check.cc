#include "gemtune/data/data_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string_view>
#include <unordered_set>

#include "gemtune/base/error.h"
#include "gemtune/base/hash.h"
#include "gemtune/data/labels/class_name_check.h"

namespace gemtune::data {
namespace {

constexpr int64_t kShortest = 32;
constexpr int64_t kImbalance = 10;

std::string HashOf(std::span<const int32_t> ids) {
  Hash hash;
  hash.AddBytes(std::as_bytes(ids));
  return hash.Hex();
}

struct NamedSplit {
  const char* name;
  const Dataset* dataset;
};

std::vector<NamedSplit> Given(const DataSplits& splits) {
  std::vector<NamedSplit> given;
  for (const NamedSplit& split :
       {NamedSplit{"training", splits.train}, NamedSplit{"validation", splits.validation},
        NamedSplit{"test", splits.test}}) {
    if (split.dataset != nullptr) given.push_back(split);
  }
  return given;
}

void WarnOfUnseen(const DataSplits& splits, const std::vector<int64_t>& counts,
                  std::vector<std::string>& warnings) {
  std::vector<std::string> missing;
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) missing.push_back(splits.train->labels().names[c]);
  }
  if (missing.empty()) return;
  std::string measured;
  for (const NamedSplit& split : Given(splits)) {
    const std::vector<int64_t> of_split = CountClasses(*split.dataset);
    int64_t unseen = 0;
    for (size_t c = 0; c < counts.size(); ++c) unseen += counts[c] == 0 ? of_split[c] : 0;
    if (unseen > 0) measured += fmt::format("; {} of the {} data", unseen, split.name);
  }
  warnings.push_back(fmt::format("no training example is of the class {}: the model cannot learn it{}",
                                 Listed(missing), measured));
}

void WarnOfImbalance(const Dataset& train, const std::vector<int64_t>& counts,
                     std::vector<std::string>& warnings) {
  const bool is_each_alone = train.label_kind() == LabelKind::kMultiLabel;
  const auto most = std::max_element(counts.begin(), counts.end());
  std::vector<std::string> rare;
  int64_t most_of_rare = 0;
  for (size_t c = 0; c < counts.size(); ++c) {
    const int64_t others = is_each_alone ? train.size() - counts[c] : *most;
    const auto [fewer, more] = std::minmax(counts[c], others);
    if (counts[c] == 0 || fewer * kImbalance >= more) continue;
    rare.push_back(train.labels().names[c]);
    most_of_rare = std::max(most_of_rare, counts[c]);
  }
  if (rare.empty()) return;
  const std::string what =
      is_each_alone ? fmt::format("nearly all or nearly none of {} training examples are {}", train.size(),
                                  Listed(rare))
                    : fmt::format("{} training examples are '{}' and at most {} {}", *most,
                                  Printable(train.labels().names[static_cast<size_t>(most - counts.begin())]),
                                  most_of_rare, Listed(rare));
  warnings.push_back(fmt::format("unbalanced labels: {}; accuracy says little then, look at macro_f1", what));
}

}  // namespace

int64_t LongestExample(const Dataset& dataset) {
  int64_t longest = 0;
  for (int64_t i = 0; i < dataset.size(); ++i) longest = std::max(longest, dataset.length(i));
  return longest;
}

std::vector<LengthBucket> LengthHistogram(const Dataset& dataset) {
  const int64_t longest = LongestExample(dataset);
  std::vector<LengthBucket> buckets = {{1, kShortest, 0}};
  while (buckets.back().to < longest) buckets.push_back({buckets.back().to + 1, buckets.back().to * 2, 0});
  buckets.back().to = std::max(buckets.back().from, longest);
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const int64_t length = dataset.length(i);
    ++std::find_if(buckets.begin(), buckets.end(), [&](const LengthBucket& bucket) {
        return length <= bucket.to;
      })->examples;
  }
  const auto first = std::find_if(buckets.begin(), buckets.end(),
                                  [](const LengthBucket& bucket) { return bucket.examples > 0; });
  return {first, buckets.end()};
}

std::vector<int64_t> CountClasses(const Dataset& dataset) {
  if (dataset.label_kind() == LabelKind::kRegression) return {};
  std::vector<int64_t> counts(dataset.labels().names.size(), 0);
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const std::span<const float> label = dataset.label(i);
    if (dataset.label_kind() == LabelKind::kSingle) ++counts[static_cast<size_t>(label[0])];
    if (dataset.label_kind() != LabelKind::kMultiLabel) continue;
    for (size_t c = 0; c < counts.size(); ++c) counts[c] += label[c] != 0 ? 1 : 0;
  }
  return counts;
}

int64_t CountShared(const Dataset& dataset, const Dataset& among) {
  std::unordered_set<std::string> known;
  for (int64_t i = 0; i < among.size(); ++i) known.insert(HashOf(among.ids(i)));
  int64_t shared = 0;
  for (int64_t i = 0; i < dataset.size(); ++i) shared += known.contains(HashOf(dataset.ids(i))) ? 1 : 0;
  return shared;
}

int64_t CountEqual(const Dataset& dataset, std::span<const int32_t> ids) {
  int64_t equal = 0;
  for (int64_t i = 0; i < dataset.size(); ++i) equal += std::ranges::equal(dataset.ids(i), ids) ? 1 : 0;
  return equal;
}

std::vector<std::string> DataWarnings(const DataSplits& splits, std::span<const int32_t> empty) {
  std::vector<std::string> warnings;
  const std::vector<int64_t> counts = CountClasses(*splits.train);
  if (!counts.empty()) {
    WarnOfUnseen(splits, counts, warnings);
    WarnOfImbalance(*splits.train, counts, warnings);
    std::ranges::copy(ClassNameWarnings(splits.train->labels().names), std::back_inserter(warnings));
  }
  for (const NamedSplit& split : Given(splits)) {
    const int64_t size = split.dataset->size(), no_text = CountEqual(*split.dataset, empty);
    if (no_text > 0)
      warnings.push_back(fmt::format("{} of {} {} texts are empty", no_text, size, split.name));
    if (split.dataset == splits.train) continue;
    const int64_t shared = CountShared(*split.dataset, *splits.train);
    if (shared == 0) continue;
    warnings.push_back(
        fmt::format("{} of {} {} rows stand in the training data, too: what is measured on them is memory",
                    shared, size, split.name));
  }
  return warnings;
}

}  // namespace gemtune::data
