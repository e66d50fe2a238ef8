#pragma once

#include "gemtune/data/labels.h"

namespace gemtune::data {

/// Lists of ids are expected; [0, 0, 1] in every row would be read as the classes 0 and 1 in silence. Where
/// bad rows are skipped (`skips`), those that are no lists do not decide.
void RefuseMultiHot(const RawLabels& raw, bool skips);

}  // namespace gemtune::data
