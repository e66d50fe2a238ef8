#include "gemtune/data/labels.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "gemtune/base/error.h"

namespace gemtune::data {
namespace {

// A class as a row names it. The text of a CSV field may spell a number, that of a string is a name only.
struct ClassName {
  std::string_view text;
  bool is_field = false;
};
using RowClass = std::variant<int64_t, ClassName>;

template <typename... Args>
[[noreturn]] void FailLabel(const RawLabels& raw, size_t i, fmt::format_string<Args...> format,
                            Args&&... args) {
  const RawLabels::Place& place = raw.places[i];
  FailRow(raw.files[place.file].path.string(), place.row, RowFault::kBadLabel, format,
          std::forward<Args>(args)...);
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<int64_t> WholeNumber(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: up to here every integer is a double
  if (std::trunc(value) != value || std::fabs(value) > kExact) return std::nullopt;
  return static_cast<int64_t>(value);
}

// "3" and "3.0", as pandas writes a column of integers that once had a gap; not "03", which is a name.
std::optional<int64_t> ParseWholeNumber(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const size_t digits = static_cast<size_t>(end - text.data());
  if (text.substr(0, digits) != std::to_string(value)) return std::nullopt;
  const std::string_view rest = text.substr(digits);
  const bool zeros = rest.size() > 1 && rest[0] == '.' && rest.find_first_not_of('0', 1) == rest.npos;
  return rest.empty() || zeros ? std::optional(value) : std::nullopt;
}

RowClass ClassOf(const RawLabels& raw, size_t i, const std::string& name, bool is_field) {
  if (name.empty()) FailLabel(raw, i, "the label is empty");
  return ClassName{name, is_field};
}

RowClass SingleClass(const RawLabels& raw, size_t i) {
  const RawLabel& value = raw.values[i];
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* name = std::get_if<std::string>(&value)) return ClassOf(raw, i, *name, false);
  if (const auto* field = std::get_if<CsvField>(&value)) return ClassOf(raw, i, field->text, true);
  if (const auto* number = std::get_if<double>(&value)) {
    const std::optional<int64_t> whole = WholeNumber(*number);
    if (!whole) FailLabel(raw, i, "label {} is not a class; numbers like it are for regression", *number);
    return *whole;
  }
  FailLabel(raw, i, "the label is a list; lists are for multi-label classification");
}

// The classes of row i.
void ListClasses(const RawLabels& raw, LabelKind kind, size_t i, std::vector<RowClass>& classes) {
  classes.clear();
  if (kind == LabelKind::kSingle) return classes.push_back(SingleClass(raw, i));
  const auto* list = std::get_if<std::vector<RawClass>>(&raw.values[i]);
  if (list == nullptr && std::holds_alternative<CsvField>(raw.values[i])) {
    FailLabel(raw, i, "CSV holds no lists of labels; use Parquet or JSONL for multi-label classification");
  }
  if (list == nullptr) FailLabel(raw, i, "the label is not a list; multi-label classification needs lists");
  for (const RawClass& item : *list) {
    const auto* integer = std::get_if<int64_t>(&item);
    classes.push_back(integer != nullptr ? RowClass(*integer)
                                         : ClassOf(raw, i, std::get<std::string>(item), false));
  }
}

// Calls visit(i, class) for every class of every row but the bad ones.
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

// Lists of ids are expected; [0, 0, 1] in every row would be read as the classes 0 and 1 in silence.
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

// The distinct classes, each with the first row that has it.
struct Distinct {
  std::map<int64_t, size_t> integers;
  std::map<std::string, size_t, std::less<>> names;
  std::map<std::string, size_t, std::less<>> fields;
};

Distinct FindDistinct(const RawLabels& raw, LabelKind kind, BadRows* bad) {
  Distinct distinct;
  ForEachClass(raw, kind, bad, [&](size_t i, const RowClass& row_class) {
    if (const auto* integer = std::get_if<int64_t>(&row_class)) {
      distinct.integers.emplace(*integer, i);
      return;
    }
    const ClassName& name = std::get<ClassName>(row_class);
    auto& known = name.is_field ? distinct.fields : distinct.names;
    if (known.find(name.text) == known.end()) known.emplace(name.text, i);
  });
  return distinct;
}

bool MarksMissing(std::string_view text) {
  constexpr std::array<std::string_view, 9> kMarkers = {"NA",   "N/A",  "NaN",  "nan", "null",
                                                        "NULL", "None", "none", "?"};
  return std::find(kMarkers.begin(), kMarkers.end(), text) != kMarkers.end();
}

bool IsFraction(std::string_view text) {
  const std::optional<double> number = ParseNumber(text);
  return number && std::trunc(*number) != *number;
}

// In a column of numbers.
void RefuseFieldsWithoutClass(const RawLabels& raw, BadRows* bad) {
  for (size_t i = 0; i < raw.values.size(); ++i) {
    const auto* field = std::get_if<CsvField>(&raw.values[i]);
    if (field == nullptr) continue;
    Guard(i, bad, [&] {
      if (MarksMissing(field->text))
        FailLabel(raw, i, "label '{}' among numbers; remove the row, or name all classes", field->text);
      if (IsFraction(field->text))
        FailLabel(raw, i, "label {} is not a class; numbers like it are for regression",
                  Printable(field->text));
    });
  }
}

// Decides what the fields of a CSV are, by all of them together, and moves them there.
void ResolveFields(const RawLabels& raw, Distinct& distinct, BadRows* bad) {
  std::map<int64_t, size_t> integers;
  size_t fractions = 0, others = 0;
  for (const auto& field : distinct.fields) {
    if (const std::optional<int64_t> whole = ParseWholeNumber(field.first)) {
      integers.emplace(*whole, field.second);
    } else if (IsFraction(field.first)) {
      ++fractions;
    } else if (!MarksMissing(field.first)) {
      ++others;
    }
  }
  const bool numbers = others == 0 && distinct.names.empty() && (!integers.empty() || fractions > 0);
  if (!numbers) return distinct.names.merge(distinct.fields);
  RefuseFieldsWithoutClass(raw, bad);
  distinct.integers.merge(integers);
}

std::vector<std::string> NamesOf(const RawLabels& raw, LabelKind kind, BadRows* bad) {
  Distinct distinct = FindDistinct(raw, kind, bad);
  ResolveFields(raw, distinct, bad);
  std::vector<std::string> names;
  if (!distinct.integers.empty() && !distinct.names.empty()) {
    const auto& name = *distinct.names.begin();
    FailLabel(raw, name.second, "label '{}' is a string, but others are integers, such as {}",
              Printable(name.first), distinct.integers.begin()->first);
  }
  const auto count = static_cast<int64_t>(distinct.integers.size());
  const bool ids =
      count > 0 && distinct.integers.begin()->first == 0 && distinct.integers.rbegin()->first == count - 1;
  for (const auto& [value, row] : distinct.integers) {
    names.push_back(fmt::format("{}{}", ids ? "LABEL_" : "", value));
  }
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

// From the classes of rows to ids, see EncodeLabels.
class ClassIds {
 public:
  ClassIds(const RawLabels& raw, const LabelSet& labels);

  int64_t Find(size_t i, const RowClass& row_class) const;

 private:
  // The integers in names that are `prefix` and an integer.
  void MapIntegers(std::string_view prefix);
  std::optional<int64_t> FindInteger(uint32_t file, int64_t value) const;

  const RawLabels& raw_;
  const std::vector<std::string>& names_;
  std::unordered_map<std::string_view, int64_t> by_name_;
  std::unordered_map<int64_t, int64_t> by_integer_;
  std::vector<std::vector<int64_t>> by_class_label_;  // [file][integer]; empty: the file's names say nothing
};

ClassIds::ClassIds(const RawLabels& raw, const LabelSet& labels) : raw_(raw), names_(labels.names) {
  for (size_t id = 0; id < names_.size(); ++id) {
    if (!by_name_.emplace(names_[id], static_cast<int64_t>(id)).second) {
      Fail("labels: '{}' is there twice", Printable(names_[id]));
    }
  }
  MapIntegers("");
  if (by_integer_.empty()) MapIntegers("LABEL_");
  for (size_t id = by_integer_.empty() ? 0 : names_.size(); id < names_.size(); ++id) {
    by_integer_.emplace(id, id);
  }
  for (const FileSchema& schema : raw.schemas) {
    std::vector<int64_t>& ids = by_class_label_.emplace_back();
    for (const std::string& name : schema.class_names) {
      const auto found = by_name_.find(name);
      if (found != by_name_.end()) ids.push_back(found->second);
    }
    if (ids.size() != schema.class_names.size()) ids.clear();
  }
}

void ClassIds::MapIntegers(std::string_view prefix) {
  for (size_t id = 0; id < names_.size(); ++id) {
    const std::string_view name = names_[id];
    if (!name.starts_with(prefix)) continue;
    if (const auto value = ParseWholeNumber(name.substr(prefix.size()))) by_integer_.emplace(*value, id);
  }
}

std::optional<int64_t> ClassIds::FindInteger(uint32_t file, int64_t value) const {
  const std::vector<int64_t>& ids = by_class_label_[file];
  if (!ids.empty()) {
    if (value < 0 || value >= static_cast<int64_t>(ids.size())) return std::nullopt;
    return ids[static_cast<size_t>(value)];
  }
  const auto found = by_integer_.find(value);
  return found == by_integer_.end() ? std::nullopt : std::optional(found->second);
}

int64_t ClassIds::Find(size_t i, const RowClass& row_class) const {
  const uint32_t file = raw_.places[i].file;
  if (const auto* integer = std::get_if<int64_t>(&row_class)) {
    if (const auto id = FindInteger(file, *integer)) return *id;
    FailLabel(raw_, i, "label {} is not one of {}", *integer, Listed(names_));
  }
  const ClassName& name = std::get<ClassName>(row_class);
  const auto found = by_name_.find(name.text);
  if (found != by_name_.end()) return found->second;
  if (const auto whole = name.is_field ? ParseWholeNumber(name.text) : std::nullopt) {
    if (const auto id = FindInteger(file, *whole)) return *id;
  }
  FailLabel(raw_, i, "label '{}' is not one of {}{}", Printable(name.text), Listed(names_),
            DidYouMean(name.text, names_));
}

size_t LeastClasses(LabelKind kind) {
  return kind == LabelKind::kMultiLabel ? 1 : 2;
}

// A ClassLabel names more classes than the rows may have: the first rows of a file sorted by label are of
// one.
void RefuseOneClass(const RawLabels& raw, const LabelSet& labels, BadRows* bad) {
  const ClassIds ids(raw, labels);
  std::optional<int64_t> first;
  bool several = false;
  ForEachClass(raw, LabelKind::kSingle, bad, [&](size_t i, const RowClass& row_class) {
    const int64_t id = ids.Find(i, row_class);
    several = several || id != first.value_or(id);
    first = id;
  });
  if (several || !first) return;
  Fail("{}{}: all {} rows are of the class '{}'; is it sorted by label?", raw.files.at(0).path.string(),
       raw.files.size() > 1 ? " and the other files" : "", raw.values.size(),
       Printable(labels.names[static_cast<size_t>(*first)]));
}

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

void RawLabels::Append(RowBatch& batch) {
  for (const int64_t row : batch.rows) places.push_back({static_cast<uint32_t>(batch.file), row});
  std::move(batch.labels.begin(), batch.labels.end(), std::back_inserter(values));
}

LabelSet FindLabels(const RawLabels& raw, LabelKind kind, BadRows* bad) {
  if (kind == LabelKind::kNone || kind == LabelKind::kRegression) return {};
  if (kind == LabelKind::kMultiLabel) RefuseMultiHot(raw, bad != nullptr);
  LabelSet labels{ClassLabelNames(raw)};
  if (labels.names.empty()) labels.names = NamesOf(raw, kind, bad);
  if (labels.names.size() < LeastClasses(kind)) {
    Fail("{}{}: {}; a classifier needs at least {}", raw.files.at(0).path.string(),
         raw.files.size() > 1 ? " and the other files" : "",
         labels.names.empty() ? "no row has a class" : "the only class is " + Listed(labels.names),
         LeastClasses(kind));
  }
  if (kind == LabelKind::kSingle) RefuseOneClass(raw, labels, bad);
  return labels;
}

int64_t LabelWidth(LabelKind kind, const LabelSet& labels) {
  switch (kind) {
    case LabelKind::kNone:
      return 0;
    case LabelKind::kSingle:
    case LabelKind::kRegression:
      return 1;
    case LabelKind::kMultiLabel:
      return static_cast<int64_t>(labels.names.size());
  }
  GEMTUNE_CHECK(false);
}

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
