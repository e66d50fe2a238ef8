#pragma once

#include <cstddef>

#include "gemtune/data/labels.h"

namespace gemtune::data {

/// The number that row i's label is. Throws RowError for one that is none, or not finite in fp32.
float RegressionTarget(const RawLabels& raw, size_t i);

}  // namespace gemtune::data
