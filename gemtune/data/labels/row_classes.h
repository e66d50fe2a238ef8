#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/data/labels/labels.h"

namespace gemtune::data {

/// A class named in a row. The text of a CSV field may spell a number or a truth value.
struct ClassName {
  std::string_view text;
  bool is_field = false;
};

/// A class given by the position of a one in a multi-hot list.
struct ClassPlace {
  size_t index;
};

using RowClass = std::variant<int64_t, bool, ClassName, ClassPlace>;

/// Throws a RowError about row i's label.
template <typename... Args>
[[noreturn]] void FailLabel(const RawLabels& raw, size_t i, fmt::format_string<Args...> format,
                            Args&&... args) {
  const RawLabels::Place& place = raw.places[i];
  FailRow(raw.files[place.file].path.string(), place.row, RowFault::kBadLabel, format,
          std::forward<Args>(args)...);
}

/// The classes of all rows.
class RowClasses {
 public:
  /// Decides how lists are read, see MultiHotLength. All arguments must outlive this.
  RowClasses(const RawLabels& raw, LabelKind kind, std::optional<size_t> num_classes, BadRows* bad);

  /// The length of multi-hot lists; 0: there are none.
  size_t multi_hot_length() const { return multi_hot_length_; }

  /// Calls visit(i, class) for every class of every row except bad ones. A label that does not fit is a
  /// RowError, thrown or stored in `bad`.
  template <typename Visit>
  void ForEach(Visit visit) const {
    std::vector<RowClass> classes;
    for (size_t i = 0; i < raw_.values.size(); ++i) {
      Guard(i, bad_, [&] {
        List(i, classes);
        for (const RowClass& row_class : classes) visit(i, row_class);
      });
    }
  }

 private:
  void List(size_t i, std::vector<RowClass>& classes) const;
  RowClass ItemClass(size_t i, const RawClass& item) const;

  const RawLabels& raw_;
  LabelKind kind_;
  BadRows* bad_;
  size_t multi_hot_length_ = 0;
};

}  // namespace gemtune::data
