#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"

namespace gemtune::data {

/// Tokens of the longest example; 0 if there is none.
int64_t LongestExample(const Dataset& dataset);

/// The number of examples of `from` to `to` tokens, both inclusive.
struct LengthBucket {
  int64_t from, to, examples;
  bool operator==(const LengthBucket&) const = default;
};

/// The lengths of the examples in buckets that end at 32, 64, 128, ... tokens, from the bucket of the
/// shortest example to that of the longest, which ends at its length.
std::vector<LengthBucket> LengthHistogram(const Dataset& dataset);

/// The number of examples of each class in dataset.labels(); an example of several classes counts for each.
/// Empty if labels are not classes.
std::vector<int64_t> CountClasses(const Dataset& dataset);

/// The number of examples of `dataset` with the same tokens as an example of `among`, by a hash (XXH3, 128
/// bits). Texts that differ only after the cut at max_length are the same.
int64_t CountShared(const Dataset& dataset, const Dataset& among);

/// The number of examples whose tokens are `ids`.
int64_t CountEqual(const Dataset& dataset, std::span<const int32_t> ids);

/// The data of a run; validation and test may be null.
struct DataSplits {
  const Dataset* train;
  const Dataset* validation;
  const Dataset* test;
};

/// Warnings about data that makes a run pointless or its metrics wrong, one line each:
///  - a class without a training example, and how many validation or test rows have it;
///  - imbalance: classes with fewer than a tenth of the examples of the most frequent one; with several
///  labels
///    per row, those that fewer than one in eleven rows have or lack;
///  - names of classes, see ClassNameWarnings;
///  - rows of validation or test data that are also in the training data;
///  - empty texts, that is, those with the tokens `empty` of "".
std::vector<std::string> DataWarnings(const DataSplits& splits, std::span<const int32_t> empty);

}  // namespace gemtune::data
