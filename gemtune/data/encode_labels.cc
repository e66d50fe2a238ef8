#include <cmath>
#include <limits>

#include "gemtune/base/error.h"
#include "gemtune/data/class_ids.h"
#include "gemtune/data/label_text.h"
#include "gemtune/data/labels.h"
#include "gemtune/data/multi_hot.h"

namespace gemtune::data {
namespace {

float Target(const RawLabels& raw, size_t i) {
  const RawLabel& label = raw.values[i];
  double value = std::numeric_limits<double>::quiet_NaN();
  if (const auto* integer = std::get_if<int64_t>(&label)) value = static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&label)) value = *number;
  if (const auto* field = std::get_if<CsvField>(&label)) value = ParseNumber(field->text).value_or(value);
  const auto target = static_cast<float>(value);
  if (!std::isfinite(target)) FailLabel(raw, i, "the label is not a number, which regression needs");
  return target;
}

}  // namespace

std::vector<float> EncodeLabels(const RawLabels& raw, LabelKind kind, const LabelSet& labels, BadRows* bad) {
  if (kind == LabelKind::kNone) return {};
  const size_t rows = raw.values.size();
  const auto width = static_cast<size_t>(LabelWidth(kind, labels));
  constexpr size_t kMostValues = size_t{1}
                                 << 30;  // 4 GB: a few long lists among many rows must not ask for more
  if (width > 0 && rows > kMostValues / width) {
    Fail("labels: {} rows of {} classes are too many", rows, width);
  }
  std::vector<float> values(rows * width);
  if (kind == LabelKind::kRegression) {
    for (size_t i = 0; i < rows; ++i) Guard(i, bad, [&] { values[i] = Target(raw, i); });
    return values;
  }
  constexpr size_t kMostClasses = size_t{1} << 24;  // an id is stored as a float
  if (labels.names.size() < LeastClasses(kind) || labels.names.size() > kMostClasses) {
    Fail("labels: {} classes are given, needed are at least {} and at most {}", labels.names.size(),
         LeastClasses(kind), kMostClasses);
  }
  if (kind == LabelKind::kMultiLabel) RefuseMultiHot(raw, bad != nullptr);
  const ClassIds ids(raw, labels);
  ForEachClass(raw, kind, bad, [&](size_t i, const RowClass& row_class) {
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
