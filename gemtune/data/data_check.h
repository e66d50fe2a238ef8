#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gemtune/data/dataset.h"

namespace gemtune::data {

/// Tokens of the longest example; 0 if there is none.
int64_t LongestExample(const Dataset& dataset);

/// Examples of `from` to `to` tokens, both included.
struct LengthBucket {
  int64_t from, to, examples;
  bool operator==(const LengthBucket&) const = default;
};

/// How long the examples are, in buckets that end at 32, 64, 128, ... tokens: from the one of the shortest to
/// that of the longest, which ends there.
std::vector<LengthBucket> LengthHistogram(const Dataset& dataset);

/// Examples of each class, of dataset.labels(); an example of several classes counts for each. Empty for
/// labels that are no classes.
std::vector<int64_t> CountClasses(const Dataset& dataset);

/// Examples of `dataset` whose tokens are those of an example of `among`. By a hash (XXH3, 128 bits) of the
/// tokens: texts that differ behind the cut at max_length are the same.
int64_t CountShared(const Dataset& dataset, const Dataset& among);

/// Examples whose tokens are `ids`.
int64_t CountEqual(const Dataset& dataset, std::span<const int32_t> ids);

/// The data of a run; validation and test may be null.
struct DataSplits {
  const Dataset* train;
  const Dataset* validation;
  const Dataset* test;
};

/// What a look at the data finds that makes a run pointless or its figures wrong, one line each:
///  - a class without a training example, and how many rows to be measured are of it;
///  - imbalance: classes with fewer than a tenth of the examples of the most frequent one; of several labels
///    a row those that fewer than one in eleven rows have or lack;
///  - names of classes, see ClassNameWarnings;
///  - rows of validation or test data that stand in the training data as well;
///  - texts that are empty: whose tokens are those of "", `empty`.
std::vector<std::string> DataWarnings(const DataSplits& splits, std::span<const int32_t> empty);

}  // namespace gemtune::data
