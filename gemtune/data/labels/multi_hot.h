#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "gemtune/data/labels/labels.h"

namespace gemtune::data {

/// The length of multi-hot lists, which say for each class whether it applies, [1.0, 0.0, 1.0]; 0 if lists
/// hold ids or names. Lists are multi-hot if some have a float or a boolean, unless more lists hold names or
/// integers other than 0 and 1. Otherwise lists of integers are multi-hot if all consist of zeros and ones,
/// all have the same length (`num_classes` if that is known), and some repeat a value, which lists of ids
/// never do. Without a repeated value the meaning is ambiguous, and this throws Error. If bad rows are
/// skipped (`bad`), they and rows that are not lists do not count.
size_t MultiHotLength(const RawLabels& raw, std::optional<size_t> num_classes, const BadRows* bad);

/// The positions of the ones in the multi-hot list `list`, the label of row i. Throws RowError if it has
/// another length, or items other than zeros and ones.
std::vector<size_t> PlacesOfOnes(const RawLabels& raw, size_t i, const std::vector<RawClass>& list,
                                 size_t length);

}  // namespace gemtune::data
