#include <optional>

#include "gemtune/base/error.h"
#include "gemtune/data/class_ids.h"
#include "gemtune/data/distinct_classes.h"
#include "gemtune/data/label_text.h"
#include "gemtune/data/labels.h"
#include "gemtune/data/regression_targets.h"
#include "gemtune/data/row_classes.h"

namespace gemtune::data {
namespace {

void RefuseMixed(const RawLabels& raw, const DistinctClasses& distinct) {
  if (distinct.names.empty() || (distinct.integers.empty() && distinct.booleans.empty())) return;
  const auto& [name, row] = *distinct.names.begin();
  if (!distinct.integers.empty()) {
    FailLabel(raw, row, "label '{}' is a string, but others are integers, such as {}", Printable(name),
              distinct.integers.begin()->first);
  }
  FailLabel(raw, row, "label '{}' is a string, but others are booleans, such as {}", Printable(name),
            TruthName(distinct.booleans.begin()->first));
}

std::vector<std::string> NamesOf(const RawLabels& raw, const RowClasses& rows, BadRows* bad) {
  if (rows.multi_hot_length() > 0) {
    rows.ForEach([](size_t, const RowClass&) {});  // checks them
    return NumberedNames(rows.multi_hot_length());
  }
  DistinctClasses distinct = FindDistinct(rows);
  ResolveFields(raw, distinct, bad);
  ResolveBooleans(distinct);
  RefuseMixed(raw, distinct);
  std::vector<std::string> names;
  const auto count = static_cast<int64_t>(distinct.integers.size());
  const bool ids =
      count > 0 && distinct.integers.begin()->first == 0 && distinct.integers.rbegin()->first == count - 1;
  for (const auto& [value, row] : distinct.integers) {
    names.push_back(fmt::format("{}{}", ids ? "LABEL_" : "", value));
  }
  for (const auto& [truth, row] : distinct.booleans) names.emplace_back(TruthName(truth));
  for (const auto& [name, row] : distinct.names) names.push_back(name);
  return names;
}

// The names of the ClassLabel of those files that have one.
std::vector<std::string> ClassLabelNames(const RawLabels& raw) {
  size_t first = raw.schemas.size();
  for (size_t file = 0; file < raw.schemas.size(); ++file) {
    if (raw.schemas[file].class_names.empty()) continue;
    if (first == raw.schemas.size()) first = file;
    if (raw.schemas[file].class_names == raw.schemas[first].class_names) continue;
    Fail("{}: its classes {} are not those of {}, {}", raw.files[file].path.string(),
         Listed(raw.schemas[file].class_names), raw.files[first].path.string(),
         Listed(raw.schemas[first].class_names));
  }
  return first == raw.schemas.size() ? std::vector<std::string>() : raw.schemas[first].class_names;
}

// A ClassLabel names more classes than the rows may have: the first rows of a file sorted by label are of
// one.
void RefuseOneClass(const RawLabels& raw, const RowClasses& rows, const LabelSet& labels) {
  const ClassIds ids(raw, labels);
  std::optional<int64_t> first;
  bool several = false;
  rows.ForEach([&](size_t i, const RowClass& row_class) {
    const int64_t id = ids.Find(i, row_class);
    several = several || id != first.value_or(id);
    first = id;
  });
  if (several || !first) return;
  Fail("{}{}: all {} rows are of the class '{}'; is it sorted by label?", raw.files.at(0).path.string(),
       raw.files.size() > 1 ? " and the other files" : "", raw.values.size(),
       Printable(labels.names[static_cast<size_t>(*first)]));
}

}  // namespace

LabelSet FindLabels(const RawLabels& raw, LabelKind kind, BadRows* bad) {
  if (kind == LabelKind::kNone) return {};
  if (kind == LabelKind::kRegression) return FindOutputs(raw, bad);
  LabelSet labels{ClassLabelNames(raw)};
  const bool are_given = !labels.names.empty();
  const RowClasses rows(raw, kind, are_given ? std::optional(labels.names.size()) : std::nullopt, bad);
  if (!are_given) labels.names = NamesOf(raw, rows, bad);
  if (are_given) ClassIds(raw, labels).CheckMultiHot(rows.multi_hot_length());
  if (labels.names.size() < LeastClasses(kind)) {
    Fail("{}{}: {}; a classifier needs at least {}", raw.files.at(0).path.string(),
         raw.files.size() > 1 ? " and the other files" : "",
         labels.names.empty() ? "no row has a class" : "the only class is " + Listed(labels.names),
         LeastClasses(kind));
  }
  if (kind == LabelKind::kSingle) RefuseOneClass(raw, rows, labels);
  return labels;
}

}  // namespace gemtune::data
