#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "gemtune/data/labels/row_classes.h"

namespace gemtune::data {

/// The distinct classes in the rows, each with the first row that has it.
struct DistinctClasses {
  std::map<int64_t, size_t> integers;
  std::map<bool, size_t> booleans;
  std::map<std::string, size_t, std::less<>> names;
  std::map<std::string, size_t, std::less<>> fields;  // of a CSV
};

/// `rows` must not be multi-hot lists, which name no classes.
DistinctClasses FindDistinct(const RowClasses& rows);

/// Whether some CSV field can only be a name: it is not a number, a boolean or a missing-value marker.
bool HasNameField(const DistinctClasses& distinct);

/// Decides from all CSV fields together what they are, and moves them to the matching maps. A field that then
/// cannot be a class is a RowError, thrown or stored in `bad`.
void ResolveFields(const RawLabels& raw, DistinctClasses& distinct, BadRows* bad);

/// Booleans among integers become 0 and 1; strings among booleans become booleans if all of them spell one.
void ResolveBooleans(DistinctClasses& distinct);

}  // namespace gemtune::data
