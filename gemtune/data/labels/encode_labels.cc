#include "gemtune/data/labels/encode_labels.h"

#include <optional>
#include <span>

#include "gemtune/base/error.h"
#include "gemtune/data/labels/find_labels.h"
#include "gemtune/data/labels/regression_targets.h"

namespace gemtune::data {
namespace {

// [rows * width] zeros.
std::vector<float> Zeros(size_t rows, size_t width) {
  constexpr size_t kMostValues = size_t{1}
                                 << 30;  // 4 GB: a few long lists among many rows must not ask for more
  if (width > 0 && rows > kMostValues / width) Fail("labels: {} rows of {} values are too many", rows, width);
  return std::vector<float>(rows * width);
}

void CheckCount(LabelKind kind, const LabelSet& labels) {
  constexpr size_t kMostClasses = size_t{1} << 24;  // an id is stored as a float
  if (labels.names.size() < LeastClasses(kind) || labels.names.size() > kMostClasses) {
    Fail("labels: {} classes are given, but there must be at least {} and at most {}", labels.names.size(),
         LeastClasses(kind), kMostClasses);
  }
}

LabelReader ReaderFor(const RawLabels& raw, const LabelOptions& options, BadRows* bad) {
  if (options.labels) {
    CheckCount(options.kind, *options.labels);
    return GivenLabels(raw, options.kind, *options.labels, bad);
  }
  LabelReader reader = options.known_labels ? ExtendLabels(raw, options.kind, *options.known_labels, bad)
                                            : FindLabels(raw, options.kind, bad);
  CheckCount(options.kind, reader.ids.labels());
  return reader;
}

EncodedLabels ReadClasses(const RawLabels& raw, const LabelOptions& options, BadRows* bad) {
  const LabelReader reader = ReaderFor(raw, options, bad);
  EncodedLabels encoded{.labels = reader.ids.labels(), .warnings = reader.ids.warnings()};
  const size_t num_classes = encoded.labels.names.size();
  const bool is_single = options.kind == LabelKind::kSingle;
  encoded.values = Zeros(raw.values.size(), is_single ? 1 : num_classes);
  reader.rows.ForEach([&](size_t i, const RowClass& row_class) {
    const int64_t id = reader.ids.Find(i, row_class);
    if (is_single) {
      encoded.values[i] = static_cast<float>(id);
    } else {
      encoded.values[i * num_classes + static_cast<size_t>(id)] = 1.0f;
    }
  });
  return encoded;
}

EncodedLabels ReadNumbers(const RawLabels& raw, const std::optional<LabelSet>& outputs, BadRows* bad) {
  EncodedLabels encoded{.labels = outputs ? *outputs : FindOutputs(raw, bad)};
  const auto width = static_cast<size_t>(LabelWidth(LabelKind::kRegression, encoded.labels));
  encoded.values = Zeros(raw.values.size(), width);
  for (size_t i = 0; i < raw.values.size(); ++i)
    Guard(i, bad, [&] { ReadTargets(raw, i, std::span(encoded.values).subspan(i * width, width)); });
  return encoded;
}

}  // namespace

EncodedLabels ReadLabels(const RawLabels& raw, const LabelOptions& options, BadRows* bad) {
  const std::optional<LabelSet>& given = options.labels ? options.labels : options.known_labels;
  switch (options.kind) {
    case LabelKind::kNone:
      return {.labels = given.value_or(LabelSet{})};
    case LabelKind::kRegression:
      return ReadNumbers(raw, given, bad);
    case LabelKind::kSingle:
    case LabelKind::kMultiLabel:
      return ReadClasses(raw, options, bad);
  }
  GEMTUNE_CHECK(false);
}

}  // namespace gemtune::data
