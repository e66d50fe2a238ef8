#pragma once

#include <cstdint>
#include <vector>

#include "gemtune/data/dataset.h"

namespace gemtune::data {

struct SamplerOptions {
  int64_t batch_size = 8;       // sequences per batch
  bool group_by_length = true;  // batches of similar length in random order; false: plain shuffle
  uint64_t seed = 42;
};

/// The batches of one epoch: every example exactly once, the last batch may be short. The result depends only
/// on the data set, the options and the epoch, so a run resumed in the middle of an epoch finds the same
/// order again.
///
/// Grouped: examples are shuffled, cut into megabatches of 50 batches, sorted by length within each, cut into
/// batches, and the batches shuffled; the longest batch comes first, so that a lack of memory shows at once.
/// (transformers' LengthGroupedSampler does the same without the last shuffle.)
std::vector<std::vector<int64_t>> EpochBatches(const Dataset& dataset, const SamplerOptions& options,
                                               int64_t epoch);

}  // namespace gemtune::data
