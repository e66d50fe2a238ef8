#pragma once

#include <cstdint>
#include <vector>

#include "gemtune/data/dataset.h"

namespace gemtune::data {

/// Sequences laid end to end without padding: sequence s is ids[cu_seqlens[s], cu_seqlens[s+1]).
struct PackedBatch {
  std::vector<int64_t> ids;         // [T]
  std::vector<int32_t> cu_seqlens;  // [B + 1], from 0 to T
  std::vector<uint8_t> is_target;   // [T], see Dataset::is_target; or empty
  std::vector<float> labels;        // [B · label_width], see Dataset::label
  std::vector<float> loss_weights;  // [B], see Dataset::loss_weights; or empty
  std::vector<int64_t> examples;    // [B] index of each example in the data set

  int64_t num_tokens() const { return static_cast<int64_t>(ids.size()); }
  int64_t num_sequences() const { return static_cast<int64_t>(cu_seqlens.size()) - 1; }
};

/// Lays the examples at `indices` end to end.
PackedBatch Pack(const Dataset& dataset, const std::vector<int64_t>& indices);

/// Cuts `indices`, in their order, into batches as large as `max_tokens` and `max_sequences` allow (0: no
/// limit), but of at least one.
std::vector<std::vector<int64_t>> Cut(const Dataset& dataset, const std::vector<int64_t>& indices,
                                      int64_t max_tokens, int64_t max_sequences);

/// Batches for passes without training: all examples, cut as Cut does, the longest first, so that the largest
/// buffers are allocated first and later batches fit into them.
std::vector<std::vector<int64_t>> BatchesByLength(const Dataset& dataset, int64_t max_tokens,
                                                  int64_t max_sequences);

}  // namespace gemtune::data
