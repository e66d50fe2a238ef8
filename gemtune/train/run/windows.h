#pragma once

#include <cstdint>
#include <vector>

#include "gemtune/data/dataset.h"
#include "gemtune/train/step.h"

namespace gemtune::train {

int64_t NumTokens(const data::Dataset& train, const Window& window);
int64_t NumExamples(const Window& window);

/// Chooses the windows to measure. The one with the most tokens comes first, as the warm-up, because memory
/// peaks there. Then follow `steps` windows, chosen at even distances from all windows sorted by tokens, in
/// the order of `windows`. With fewer windows than steps, some are repeated.
std::vector<Window> SpreadOverLengths(const data::Dataset& train, const std::vector<Window>& windows,
                                      int64_t steps);

}  // namespace gemtune::train
