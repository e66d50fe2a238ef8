#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "gemtune/data/dataset.h"

namespace gemtune::data {

/// Example i has lengths[i] tokens, all of them i, and is of class i % 3 (kSingle); every second one was cut.
inline Dataset MakeDataset(const std::vector<int64_t>& lengths) {
  Examples examples;
  examples.label_kind = LabelKind::kSingle;
  examples.labels.names = {"a", "b", "c"};
  for (size_t i = 0; i < lengths.size(); ++i) {
    examples.ids.insert(examples.ids.end(), static_cast<size_t>(lengths[i]), static_cast<int32_t>(i));
    examples.offsets.push_back(static_cast<int64_t>(examples.ids.size()));
    examples.truncated.push_back(i % 2);
    examples.label_values.push_back(static_cast<float>(i % 3));
  }
  return Dataset(std::move(examples));
}

/// Lengths 1 to about 1,000, most of them short, as texts have them.
inline std::vector<int64_t> TextLengths(int64_t count) {
  std::vector<int64_t> lengths;
  uint64_t state = 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const double uniform = static_cast<double>(state >> 40) / static_cast<double>(1 << 24);
    lengths.push_back(1 + static_cast<int64_t>(1000 * uniform * uniform * uniform));
  }
  return lengths;
}

}  // namespace gemtune::data
