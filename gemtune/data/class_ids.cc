#include "gemtune/data/class_ids.h"

#include <algorithm>
#include <unordered_set>

#include "gemtune/base/error.h"
#include "gemtune/data/label_text.h"

namespace gemtune::data {

ClassIds::ClassIds(const RawLabels& raw, const LabelSet& labels) : raw_(raw), names_(labels.names) {
  for (size_t id = 0; id < names_.size(); ++id) {
    if (!by_name_.emplace(names_[id], static_cast<int64_t>(id)).second) {
      Fail("labels: '{}' is there twice", Printable(names_[id]));
    }
  }
  MapIntegers();
  MapTruths();
  for (const FileSchema& schema : raw.schemas) {
    std::vector<int64_t>& ids = by_class_label_.emplace_back();
    for (const std::string& name : schema.class_names) {
      const auto found = by_name_.find(name);
      if (found != by_name_.end()) ids.push_back(found->second);
    }
    if (ids.size() != schema.class_names.size()) ids.clear();
  }
}

void ClassIds::MapIntegers() {
  names_are_numbers_ =
      std::any_of(names_.begin(), names_.end(), [](const std::string& name) { return NumberOf(name); });
  if (names_are_numbers_) return MapValues();
  MapLabelNumbers();
  for (size_t id = by_integer_.empty() ? 0 : names_.size(); id < names_.size(); ++id) {
    by_integer_.emplace(id, id);
  }
}

void ClassIds::MapValues() {
  std::unordered_set<int64_t> ambiguous;  // "1" and "01": either is only what its text says
  for (size_t id = 0; id < names_.size(); ++id) {
    const std::optional<int64_t> value = IntegerOf(names_[id]);
    if (value && !by_integer_.emplace(*value, id).second) ambiguous.insert(*value);
  }
  for (const int64_t value : ambiguous) by_integer_.erase(value);
}

void ClassIds::MapLabelNumbers() {
  constexpr std::string_view kPrefix = "LABEL_";
  for (size_t id = 0; id < names_.size(); ++id) {
    const std::string_view name = names_[id];
    if (!name.starts_with(kPrefix)) continue;
    if (const auto number = PlainIntegerOf(name.substr(kPrefix.size()))) by_integer_.emplace(*number, id);
  }
}

void ClassIds::MapTruths() {
  std::array<int, 2> spellings = {0, 0};
  for (size_t id = 0; id < names_.size(); ++id) {
    const std::optional<bool> truth = TruthOf(names_[id]);
    if (!truth) continue;
    names_are_truths_ = true;
    const size_t index = *truth ? 1 : 0;
    by_truth_[index] = ++spellings[index] == 1 ? std::optional(static_cast<int64_t>(id)) : std::nullopt;
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

std::optional<int64_t> ClassIds::FindTruth(uint32_t file, bool truth) const {
  const auto found = by_name_.find(TruthName(truth));
  if (found != by_name_.end()) return found->second;
  return names_are_truths_ ? by_truth_[truth ? 1 : 0] : FindInteger(file, truth ? 1 : 0);
}

std::optional<int64_t> ClassIds::FindName(uint32_t file, const ClassName& name) const {
  const auto found = by_name_.find(name.text);
  if (found != by_name_.end()) return found->second;
  const std::optional<bool> truth = TruthOf(name.text);
  if (truth && (name.is_field || names_are_truths_)) return FindTruth(file, *truth);
  if (!name.is_field) return std::nullopt;
  const auto integer = names_are_numbers_ ? IntegerOf(name.text) : PlainIntegerOf(name.text);
  return integer ? FindInteger(file, *integer) : std::nullopt;
}

size_t ClassIds::num_places() const {
  const auto found = std::find_if(by_class_label_.begin(), by_class_label_.end(),
                                  [](const std::vector<int64_t>& ids) { return !ids.empty(); });
  return found == by_class_label_.end() ? names_.size() : found->size();
}

void ClassIds::CheckMultiHot(size_t length) const {
  for (size_t file = 0; length > 0 && file < by_class_label_.size(); ++file) {
    const bool names_its_own = !by_class_label_[file].empty();
    const std::vector<std::string>& names = names_its_own ? raw_.schemas[file].class_names : names_;
    if (names.size() == length) continue;
    Fail("{}: its labels are lists of {} zeros and ones, but there are {} classes: {}",
         raw_.files[file].path.string(), length, names.size(), Listed(names));
  }
}

int64_t ClassIds::Find(size_t i, const RowClass& row_class) const {
  const uint32_t file = raw_.places[i].file;
  if (const auto* place = std::get_if<ClassPlace>(&row_class)) {
    const std::vector<int64_t>& ids = by_class_label_[file];
    return ids.empty() ? static_cast<int64_t>(place->index) : ids[place->index];
  }
  if (const auto* integer = std::get_if<int64_t>(&row_class)) {
    if (const auto id = FindInteger(file, *integer)) return *id;
    FailLabel(raw_, i, "label {} is not one of {}", *integer, Listed(names_));
  }
  if (const auto* truth = std::get_if<bool>(&row_class)) {
    if (const auto id = FindTruth(file, *truth)) return *id;
    FailLabel(raw_, i, "label {} is not one of {}", TruthName(*truth), Listed(names_));
  }
  const ClassName& name = std::get<ClassName>(row_class);
  if (const auto id = FindName(file, name)) return *id;
  FailLabel(raw_, i, "label '{}' is not one of {}{}", Printable(name.text), Listed(names_),
            DidYouMean(name.text, names_));
}

}  // namespace gemtune::data
