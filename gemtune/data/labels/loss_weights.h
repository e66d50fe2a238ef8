#pragma once

#include <vector>

#include "gemtune/data/bad_row.h"
#include "gemtune/data/labels/labels.h"

namespace gemtune::data {

/// What the column of loss weights says of each row of `raw`: a number that is finite in fp32 and not
/// negative. Anything else is a RowError, thrown or stored in `bad`; then the weights of such rows are
/// meaningless.
std::vector<float> ReadLossWeights(const std::vector<RawLabel>& values, const RawLabels& raw, BadRows* bad);

}  // namespace gemtune::data
