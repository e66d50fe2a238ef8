#include <optional>
#include <span>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/data/class_ids.h"
#include "gemtune/data/labels.h"
#include "gemtune/data/regression_targets.h"
#include "gemtune/data/row_classes.h"

namespace gemtune::data {
namespace {

LabelSet LabelsOf(const RawLabels& raw, const LabelOptions& options, BadRows* bad) {
  if (options.labels) return *options.labels;
  if (options.known_labels) return ExtendLabels(raw, options.kind, *options.known_labels, bad);
  return FindLabels(raw, options.kind, bad);
}

// [rows * width] zeros.
std::vector<float> Zeros(size_t rows, size_t width) {
  constexpr size_t kMostValues = size_t{1}
                                 << 30;  // 4 GB: a few long lists among many rows must not ask for more
  if (width > 0 && rows > kMostValues / width) Fail("labels: {} rows of {} values are too many", rows, width);
  return std::vector<float>(rows * width);
}

void EncodeClasses(const RawLabels& raw, const LabelOptions& options, EncodedLabels& encoded, BadRows* bad) {
  const LabelSet& labels = encoded.labels;
  constexpr size_t kMostClasses = size_t{1} << 24;  // an id is stored as a float
  if (labels.names.size() < LeastClasses(options.kind) || labels.names.size() > kMostClasses) {
    Fail("labels: {} classes are given, needed are at least {} and at most {}", labels.names.size(),
         LeastClasses(options.kind), kMostClasses);
  }
  const bool has_new = !options.labels && options.known_labels;
  const ClassIds ids(raw, labels, has_new ? options.known_labels->names.size() : labels.names.size());
  const RowClasses rows(raw, options.kind, ids.num_places(), bad);
  ids.CheckMultiHot(rows.multi_hot_length());
  rows.ForEach([&](size_t i, const RowClass& row_class) {
    const int64_t id = ids.Find(i, row_class);
    if (options.kind == LabelKind::kSingle) {
      encoded.values[i] = static_cast<float>(id);
    } else {
      encoded.values[i * labels.names.size() + static_cast<size_t>(id)] = 1.0f;
    }
  });
  encoded.warnings = ids.warnings();
}

}  // namespace

EncodedLabels ReadLabels(const RawLabels& raw, const LabelOptions& options, BadRows* bad) {
  EncodedLabels encoded{.labels = LabelsOf(raw, options, bad)};
  if (options.kind == LabelKind::kNone) return encoded;
  const auto width = static_cast<size_t>(LabelWidth(options.kind, encoded.labels));
  encoded.values = Zeros(raw.values.size(), width);
  if (options.kind != LabelKind::kRegression) {
    EncodeClasses(raw, options, encoded, bad);
    return encoded;
  }
  for (size_t i = 0; i < raw.values.size(); ++i)
    Guard(i, bad, [&] { ReadTargets(raw, i, std::span(encoded.values).subspan(i * width, width)); });
  return encoded;
}

std::vector<float> EncodeLabels(const RawLabels& raw, LabelKind kind, const LabelSet& labels, BadRows* bad) {
  return ReadLabels(raw, {.kind = kind, .labels = labels}, bad).values;
}

}  // namespace gemtune::data
