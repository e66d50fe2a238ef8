#pragma once

#include <cstdint>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/train/step.h"

namespace gemtune::train {

int64_t NumTokens(const data::Dataset& train, const Window& window);
int64_t NumExamples(const Window& window);

/// Which of `windows` to measure: the one with the most tokens first, as the warm-up, since memory is at its
/// height there; then `steps`, taken at even distances from all of them sorted by tokens, and in the order of
/// `windows`. With fewer windows than steps, some come more than once.
std::vector<Window> SpreadOverLengths(const data::Dataset& train, const std::vector<Window>& windows,
                                      int64_t steps);

}  // namespace gemtune::train
