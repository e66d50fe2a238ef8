#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/data/labels.h"

namespace gemtune::data {

/// A class as a row names it. The text of a CSV field may spell a number or a truth value.
struct ClassName {
  std::string_view text;
  bool is_field = false;
};
using RowClass = std::variant<int64_t, bool, ClassName>;

/// Throws the RowError of row i's label.
template <typename... Args>
[[noreturn]] void FailLabel(const RawLabels& raw, size_t i, fmt::format_string<Args...> format,
                            Args&&... args) {
  const RawLabels::Place& place = raw.places[i];
  FailRow(raw.files[place.file].path.string(), place.row, RowFault::kBadLabel, format,
          std::forward<Args>(args)...);
}

/// The classes of row i. Throws RowError for a label that does not fit `kind`.
void ListClasses(const RawLabels& raw, LabelKind kind, size_t i, std::vector<RowClass>& classes);

/// Calls visit(i, class) for every class of every row but the bad ones.
template <typename Visit>
void ForEachClass(const RawLabels& raw, LabelKind kind, BadRows* bad, Visit visit) {
  std::vector<RowClass> classes;
  for (size_t i = 0; i < raw.values.size(); ++i) {
    Guard(i, bad, [&] {
      ListClasses(raw, kind, i, classes);
      for (const RowClass& row_class : classes) visit(i, row_class);
    });
  }
}

}  // namespace gemtune::data
