#include "gemtune/data/batcher.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "gemtune/base/error.h"

namespace gemtune::data {

PackedBatch Pack(const Dataset& dataset, const std::vector<int64_t>& indices) {
  int64_t num_tokens = 0;
  for (const int64_t i : indices) num_tokens += dataset.length(i);
  GEMTUNE_CHECK(num_tokens <= std::numeric_limits<int32_t>::max());
  PackedBatch batch;
  batch.ids.reserve(static_cast<size_t>(num_tokens));
  batch.cu_seqlens.reserve(indices.size() + 1);
  batch.cu_seqlens.push_back(0);
  batch.labels.reserve(indices.size() * static_cast<size_t>(dataset.label_width()));
  for (const int64_t i : indices) {
    const std::span<const int32_t> ids = dataset.ids(i);
    const std::span<const uint8_t> is_target = dataset.is_target(i);
    const std::span<const float> label = dataset.label(i);
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    batch.cu_seqlens.push_back(static_cast<int32_t>(batch.ids.size()));
    batch.is_target.insert(batch.is_target.end(), is_target.begin(), is_target.end());
    batch.labels.insert(batch.labels.end(), label.begin(), label.end());
    if (!dataset.loss_weights().empty())
      batch.loss_weights.push_back(dataset.loss_weights()[static_cast<size_t>(i)]);
  }
  batch.examples = indices;
  return batch;
}

std::vector<std::vector<int64_t>> Cut(const Dataset& dataset, const std::vector<int64_t>& indices,
                                      int64_t max_tokens, int64_t max_sequences) {
  GEMTUNE_CHECK(max_tokens >= 0 && max_sequences >= 0);
  std::vector<std::vector<int64_t>> batches;
  int64_t num_tokens = 0;
  for (const int64_t i : indices) {
    num_tokens += dataset.length(i);
    const bool fits = !batches.empty() && (max_tokens == 0 || num_tokens <= max_tokens) &&
                      (max_sequences == 0 || std::ssize(batches.back()) < max_sequences);
    if (!fits) {
      batches.emplace_back();
      num_tokens = dataset.length(i);
    }
    batches.back().push_back(i);
  }
  return batches;
}

std::vector<std::vector<int64_t>> BatchesByLength(const Dataset& dataset, int64_t max_tokens,
                                                  int64_t max_sequences) {
  std::vector<int64_t> order(static_cast<size_t>(dataset.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return dataset.length(a) > dataset.length(b); });
  return Cut(dataset, order, max_tokens, max_sequences);
}

}  // namespace gemtune::data
