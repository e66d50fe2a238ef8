#pragma once

#include <cstddef>
#include <span>

#include "gemtune/data/labels/labels.h"

namespace gemtune::data {

/// The outputs of training data: none where labels are numbers, "LABEL_0", ... where they are lists of them,
/// as many as most rows have. Rows in `bad` do not count.
LabelSet FindOutputs(const RawLabels& raw, const BadRows* bad);

/// The numbers that row i's label is or lists, into `targets`; a number is a list of one. Throws RowError for
/// what is no number or not finite in fp32, and for another count of them.
void ReadTargets(const RawLabels& raw, size_t i, std::span<float> targets);

}  // namespace gemtune::data
