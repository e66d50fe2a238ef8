#include <span>

#include "gemtune/base/error.h"
#include "gemtune/data/class_ids.h"
#include "gemtune/data/labels.h"
#include "gemtune/data/regression_targets.h"
#include "gemtune/data/row_classes.h"

namespace gemtune::data {
std::vector<float> EncodeLabels(const RawLabels& raw, LabelKind kind, const LabelSet& labels, BadRows* bad) {
  if (kind == LabelKind::kNone) return {};
  const size_t rows = raw.values.size();
  const auto width = static_cast<size_t>(LabelWidth(kind, labels));
  constexpr size_t kMostValues = size_t{1}
                                 << 30;  // 4 GB: a few long lists among many rows must not ask for more
  if (width > 0 && rows > kMostValues / width) {
    Fail("labels: {} rows of {} values are too many", rows, width);
  }
  std::vector<float> values(rows * width);
  if (kind == LabelKind::kRegression) {
    for (size_t i = 0; i < rows; ++i)
      Guard(i, bad, [&] { ReadTargets(raw, i, std::span(values).subspan(i * width, width)); });
    return values;
  }
  constexpr size_t kMostClasses = size_t{1} << 24;  // an id is stored as a float
  if (labels.names.size() < LeastClasses(kind) || labels.names.size() > kMostClasses) {
    Fail("labels: {} classes are given, needed are at least {} and at most {}", labels.names.size(),
         LeastClasses(kind), kMostClasses);
  }
  const ClassIds ids(raw, labels);
  const RowClasses class_rows(raw, kind, ids.num_places(), bad);
  ids.CheckMultiHot(class_rows.multi_hot_length());
  class_rows.ForEach([&](size_t i, const RowClass& row_class) {
    const int64_t id = ids.Find(i, row_class);
    if (kind == LabelKind::kSingle) {
      values[i] = static_cast<float>(id);
    } else {
      values[i * width + static_cast<size_t>(id)] = 1.0f;
    }
  });
  return values;
}

}  // namespace gemtune::data
