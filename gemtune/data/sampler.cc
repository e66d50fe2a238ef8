#include "gemtune/data/sampler.h"

#include <algorithm>
#include <numeric>

#include "gemtune/base/error.h"
#include "gemtune/data/batcher.h"
#include "gemtune/data/shuffle.h"

namespace gemtune::data {
namespace {

constexpr int64_t kBatchesInMegabatch = 50;  // as transformers' LengthGroupedSampler

using Batch = std::vector<int64_t>;

void SortMegabatches(const Dataset& dataset, int64_t megabatch, std::vector<int64_t>& order) {
  const auto size = static_cast<int64_t>(order.size());
  for (int64_t begin = 0; begin < size; begin += megabatch) {
    // Stable: equal lengths stay in random order.
    std::stable_sort(order.begin() + begin, order.begin() + std::min(begin + megabatch, size),
                     [&](int64_t a, int64_t b) { return dataset.length(a) > dataset.length(b); });
  }
}

int64_t NumTokens(const Dataset& dataset, const Batch& batch) {
  return std::accumulate(batch.begin(), batch.end(), int64_t{0},
                         [&](int64_t sum, int64_t i) { return sum + dataset.length(i); });
}

// The full batches in random order, the one with the most tokens first; a short batch stays last.
void ShuffleBatches(const Dataset& dataset, int64_t batch_size, Shuffler& shuffler,
                    std::vector<Batch>& batches) {
  if (batches.empty()) return;
  Batch last;
  if (static_cast<int64_t>(batches.back().size()) < batch_size) {
    last = std::move(batches.back());
    batches.pop_back();
  }
  shuffler.Shuffle(batches);
  const auto longest = std::max_element(batches.begin(), batches.end(), [&](const Batch& a, const Batch& b) {
    return NumTokens(dataset, a) < NumTokens(dataset, b);
  });
  if (longest != batches.end()) std::iter_swap(batches.begin(), longest);
  if (!last.empty()) batches.push_back(std::move(last));
}

}  // namespace

std::vector<std::vector<int64_t>> EpochBatches(const Dataset& dataset, const SamplerOptions& options,
                                               int64_t epoch) {
  GEMTUNE_CHECK(options.batch_size > 0 && epoch >= 0);
  std::vector<int64_t> order(static_cast<size_t>(dataset.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  Shuffler shuffler(options.seed, /*stream=*/static_cast<uint64_t>(epoch));
  shuffler.Shuffle(order);
  if (!options.group_by_length) return Cut(dataset, order, /*max_tokens=*/0, options.batch_size);
  SortMegabatches(dataset, kBatchesInMegabatch * options.batch_size, order);
  std::vector<Batch> batches = Cut(dataset, order, /*max_tokens=*/0, options.batch_size);
  ShuffleBatches(dataset, options.batch_size, shuffler, batches);
  return batches;
}

}  // namespace gemtune::data
