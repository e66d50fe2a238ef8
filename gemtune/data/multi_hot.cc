#include "gemtune/data/multi_hot.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "gemtune/data/row_classes.h"

namespace gemtune::data {

void RefuseMultiHot(const RawLabels& raw, bool skips) {
  bool repeats = false;
  std::optional<size_t> length;
  for (const RawLabel& value : raw.values) {
    const auto* list = std::get_if<std::vector<RawClass>>(&value);
    if (list == nullptr && skips) continue;
    if (list == nullptr || list->size() < 2 || list->size() != length.value_or(list->size())) return;
    length = list->size();
    const auto count_of = [&](int64_t id) {
      return std::count_if(list->begin(), list->end(), [&](const RawClass& item) {
        const auto* integer = std::get_if<int64_t>(&item);
        return integer != nullptr && *integer == id;
      });
    };
    const auto zeros = count_of(0);
    const auto ones = count_of(1);
    if (static_cast<size_t>(ones + zeros) != *length) return;
    repeats = repeats || ones > 1 || zeros > 1;
  }
  if (!repeats) return;
  FailLabel(raw, 0, "every label is a list of {} zeros and ones; give the ids of the classes that apply",
            *length);
}

}  // namespace gemtune::data
