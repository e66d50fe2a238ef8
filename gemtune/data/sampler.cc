#include "gemtune/data/sampler.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "gemtune/base/error.h"
#include "gemtune/base/round_up.h"
#include "gemtune/data/batcher.h"
#include "gemtune/data/shuffle.h"

namespace gemtune::data {
namespace {

constexpr int64_t kBatchesInMegabatch = 50;  // as transformers' LengthGroupedSampler

// Differs from the streams of the epochs and of Dataset::Split.
constexpr uint64_t kPackStream = (uint64_t{1} << 63) + 1;

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

std::vector<int64_t> FileOrder(const Dataset& dataset) {
  std::vector<int64_t> order(static_cast<size_t>(dataset.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

std::vector<Batch> Packed(const Dataset& dataset, const SamplerOptions& options) {
  std::vector<int64_t> order = FileOrder(dataset);
  Shuffler(options.seed, kPackStream).Shuffle(order);
  SortMegabatches(dataset, std::max<int64_t>(1, dataset.size()), order);
  std::vector<Batch> batches;
  std::multimap<int64_t, size_t> room;  // tokens that still fit into a batch, by its index
  for (const int64_t i : order) {
    const int64_t length = dataset.length(i);
    const auto fits = room.lower_bound(length);
    if (fits == room.end()) {
      batches.push_back({i});
      room.emplace(options.pack_tokens - length, batches.size() - 1);
    } else {
      const auto [left, batch] = *fits;
      batches[batch].push_back(i);
      room.erase(fits);
      room.emplace(left - length, batch);
    }
  }
  return batches;
}

}  // namespace

int64_t NumBatches(const Dataset& dataset, const SamplerOptions& options) {
  if (options.pack_tokens > 0) return std::ssize(Packed(dataset, options));
  return CeilDiv(dataset.size(), options.batch_size);
}

std::vector<std::vector<int64_t>> EpochBatches(const Dataset& dataset, const SamplerOptions& options,
                                               int64_t epoch) {
  GEMTUNE_CHECK(options.batch_size > 0 && epoch >= 0);
  if (options.pack_tokens > 0) {
    std::vector<Batch> batches = Packed(dataset, options);
    Shuffler shuffler(options.seed, /*stream=*/static_cast<uint64_t>(epoch));
    ShuffleBatches(dataset, /*batch_size=*/1, shuffler, batches);
    return batches;
  }
  std::vector<int64_t> order = FileOrder(dataset);
  Shuffler shuffler(options.seed, /*stream=*/static_cast<uint64_t>(epoch));
  shuffler.Shuffle(order);
  if (!options.group_by_length) return Cut(dataset, order, /*max_tokens=*/0, options.batch_size);
  SortMegabatches(dataset, kBatchesInMegabatch * options.batch_size, order);
  std::vector<Batch> batches = Cut(dataset, order, /*max_tokens=*/0, options.batch_size);
  ShuffleBatches(dataset, options.batch_size, shuffler, batches);
  return batches;
}

}  // namespace gemtune::data
