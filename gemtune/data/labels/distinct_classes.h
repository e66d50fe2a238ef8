#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "gemtune/data/labels/row_classes.h"

namespace gemtune::data {

/// The distinct classes of rows, each with the first row that has it.
struct DistinctClasses {
  std::map<int64_t, size_t> integers;
  std::map<bool, size_t> booleans;
  std::map<std::string, size_t, std::less<>> names;
  std::map<std::string, size_t, std::less<>> fields;  // of a CSV
};

/// `rows` without multi-hot lists, which name no class.
DistinctClasses FindDistinct(const RowClasses& rows);

/// Whether some field of a CSV is nothing but a name: no number, no boolean, and no mark for a missing one.
bool HasNameField(const DistinctClasses& distinct);

/// Decides what the fields of a CSV are, by all of them together, and moves them there. What cannot be a
/// class then is a RowError, thrown or in `bad`.
void ResolveFields(const RawLabels& raw, DistinctClasses& distinct, BadRows* bad);

/// Booleans among integers are 0 and 1; strings among booleans are such if all spell one.
void ResolveBooleans(DistinctClasses& distinct);

}  // namespace gemtune::data
