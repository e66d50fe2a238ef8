#pragma once

#include <cstdint>
#include <vector>

#include "gemtune/data/dataset.h"

namespace gemtune::data {

struct SamplerOptions {
  int64_t batch_size = 8;       // sequences per batch
  bool group_by_length = true;  // batches of similar length in random order; false: plain shuffle
  int64_t pack_tokens = 0;      // > 0: batches of as many sequences as fit in so many tokens instead
  uint64_t seed = 42;
};

/// The batches of one epoch: every example exactly once, the last batch may be short. The result depends only
/// on the data set, the options and the epoch, so a run resumed in the middle of an epoch finds the same
/// order again.
///
/// Grouped: examples are shuffled, cut into megabatches of 50 batches, sorted by length within each, cut into
/// batches, and the batches shuffled; the longest batch comes first, so that a lack of memory shows at once.
/// (transformers' LengthGroupedSampler does the same without the last shuffle.)
/// Packed: the examples, shuffled once, go into batches by best fit, the longest first (as TRL's "bfd"); an
/// epoch shuffles the batches, the fullest first. An example of more tokens is a batch of its own.
std::vector<std::vector<int64_t>> EpochBatches(const Dataset& dataset, const SamplerOptions& options,
                                               int64_t epoch);

/// The number of batches of every epoch.
int64_t NumBatches(const Dataset& dataset, const SamplerOptions& options);

}  // namespace gemtune::data
