#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "gemtune/data/labels/labels.h"

namespace gemtune::data {

/// How long the lists are that say of each class whether it applies, [1.0, 0.0, 1.0]; 0: lists are of ids or
/// names. Lists with a float or a boolean are such, unless more lists hold names or integers other than 0
/// and 1. Without any, lists of integers are if all are of zeros and ones, of one length, which is
/// `num_classes` where that is known, and some repeat a value, as no list of ids does. Without a repeat both
/// can be meant: throws Error. Where bad rows are skipped (`bad`), those and rows that are no lists do not
/// decide.
size_t MultiHotLength(const RawLabels& raw, std::optional<size_t> num_classes, const BadRows* bad);

/// The places of the ones in `list`, the label of row i, one of such lists. Throws RowError for one that is
/// of another length, or of other items than zeros and ones.
std::vector<size_t> PlacesOfOnes(const RawLabels& raw, size_t i, const std::vector<RawClass>& list,
                                 size_t length);

}  // namespace gemtune::data
