#pragma once

#include <cstddef>
#include <span>

#include "gemtune/data/labels/labels.h"

namespace gemtune::data {

/// The outputs in training data: no names if labels are numbers; "LABEL_0", ... if they are lists, as many as
/// most rows have. Rows in `bad` do not count.
LabelSet FindOutputs(const RawLabels& raw, const BadRows* bad);

/// Writes the number or the list of numbers in row i's label to `targets`. Throws RowError for anything that
/// is not a number or not finite in fp32, and for another count of numbers.
void ReadTargets(const RawLabels& raw, size_t i, std::span<float> targets);

}  // namespace gemtune::data
