#include "gemtune/data/labels/find_labels.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/data/labels/distinct_classes.h"
#include "gemtune/data/labels/label_text.h"

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

// Needed because a ClassLabel may name more classes than the rows have: the first rows of a file sorted by
// label are of one class.
void RefuseOneClass(const RawLabels& raw, const RowClasses& rows, const ClassIds& ids) {
  std::optional<int64_t> first;
  bool several = false;
  rows.ForEach([&](size_t i, const RowClass& row_class) {
    const int64_t id = ids.Find(i, row_class);
    several = several || id != first.value_or(id);
    first = id;
  });
  if (several || !first) return;
  Fail("{}: all {} rows are of the class '{}'; is it sorted by label?", SourceOf(raw.files),
       raw.values.size(), Printable(ids.labels().names[static_cast<size_t>(*first)]));
}

struct NamesInRows {
  bool has_known = false;
  std::set<std::string> are_new = {};
};

NamesInRows FindNames(const RawLabels& raw, const RowClasses& rows, const ClassIds& ids) {
  if (rows.multi_hot_length() > 0) return {};
  rows.ForEach([&](size_t i, const RowClass& row_class) {
    if (!std::holds_alternative<ClassName>(row_class)) ids.Find(i, row_class);  // or its row is ignored
  });
  const DistinctClasses distinct = FindDistinct(rows);
  NamesInRows found;
  const auto add = [&](const std::string& text, size_t row, bool is_field, bool may_be_new) {
    const ClassName name{text, is_field};
    if (ids.Knows(raw.places[row].file, name)) {
      found.has_known = true;
    } else if (may_be_new && !ids.SpellsNumber(name)) {
      found.are_new.insert(text);
    }
  };
  for (const auto& [name, row] : distinct.names) add(name, row, false, true);
  // "NA" and "0.5" are not classes in a column of numbers.
  const bool are_names = HasNameField(distinct) || !distinct.names.empty();
  for (const auto& [field, row] : distinct.fields) add(field, row, true, are_names);
  return found;
}

// Quoted for a shell, as far as that is possible.
std::string LabelNamesOption(const std::vector<std::string>& names) {
  constexpr size_t kMostNames = 20;  // as Listed shows
  const auto may_be_given = [](const std::string& name) {
    return Printable(name) == name && name.find_first_of(",\"\\$`!") == name.npos;
  };
  if (names.size() > kMostNames || !std::all_of(names.begin(), names.end(), may_be_given))
    return "`label_names` with these names";
  const std::string value = fmt::format("{}", fmt::join(names, ","));
  return value.find_first_of(" '&|;<>()[]{}*?#~") == value.npos ? "`label_names` " + value
                                                                : fmt::format("`label_names` \"{}\"", value);
}

[[noreturn]] void FailAllNew(const RawLabels& raw, const std::vector<std::string>& known,
                             const std::vector<std::string>& names) {
  std::string cure = "to begin a new head give " + LabelNamesOption(names);
  if (std::all_of(known.begin(), known.end(), LabelNumberOf)) {
    cure = "to name the model's classes in the order of their ids give ";
    cure += names.size() == known.size() ? LabelNamesOption(names) + ", if that is their order"
                                         : fmt::format("`label_names` with {} names", known.size());
  }
  Fail("{}: its classes are {}, none of which the model has (it has {}); {}", SourceOf(raw.files),
       Listed(names), Listed(known), cure);
}

}  // namespace

LabelReader FindLabels(const RawLabels& raw, LabelKind kind, BadRows* bad) {
  LabelSet labels{ClassLabelNames(raw)};
  const bool are_given = !labels.names.empty();
  const RowClasses rows(raw, kind, are_given ? std::optional(labels.names.size()) : std::nullopt, bad);
  if (!are_given) labels.names = NamesOf(raw, rows, bad);
  if (labels.names.size() < LeastClasses(kind)) {
    Fail("{}: {}; a classifier needs at least {}", SourceOf(raw.files),
         labels.names.empty() ? "no row has a class" : "the only class is " + Listed(labels.names),
         LeastClasses(kind));
  }
  ClassIds ids(raw, std::move(labels));
  ids.CheckMultiHot(rows.multi_hot_length());
  if (kind == LabelKind::kSingle) RefuseOneClass(raw, rows, ids);
  return {std::move(ids), rows};
}

LabelReader ExtendLabels(const RawLabels& raw, LabelKind kind, const LabelSet& known, BadRows* bad) {
  const size_t num_known = known.names.size();
  const std::vector<std::string> class_label = ClassLabelNames(raw);
  LabelSet labels = known;
  for (const std::string& name : class_label) {
    if (std::find(known.names.begin(), known.names.end(), name) == known.names.end())
      labels.names.push_back(name);
  }
  const ClassIds without_rows(raw, labels, num_known);
  const RowClasses rows(raw, kind, without_rows.num_places(), bad);
  without_rows.CheckMultiHot(rows.multi_hot_length());
  const NamesInRows in_rows = FindNames(raw, rows, without_rows);
  const bool has_known = in_rows.has_known || labels.names.size() < num_known + class_label.size();
  labels.names.insert(labels.names.end(), in_rows.are_new.begin(), in_rows.are_new.end());
  if (labels.names.size() > num_known && !has_known) {
    const auto first_new = labels.names.begin() + static_cast<ptrdiff_t>(num_known);
    FailAllNew(raw, known.names, {first_new, labels.names.end()});
  }
  ClassIds ids(raw, std::move(labels), num_known);
  if (kind == LabelKind::kSingle) RefuseOneClass(raw, rows, ids);
  return {std::move(ids), rows};
}

LabelReader GivenLabels(const RawLabels& raw, LabelKind kind, const LabelSet& labels, BadRows* bad) {
  ClassIds ids(raw, labels);
  const RowClasses rows(raw, kind, ids.num_places(), bad);
  ids.CheckMultiHot(rows.multi_hot_length());
  return {std::move(ids), rows};
}

}  // namespace gemtune::data
