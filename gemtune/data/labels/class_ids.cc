#include "gemtune/data/labels/class_ids.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "gemtune/base/error.h"
#include "gemtune/data/labels/label_text.h"

namespace gemtune::data {
namespace {

constexpr int64_t kNoClass = -1;

// Whether the labels in a file that name classes are integers or booleans.
bool HoldsNumbers(const RawLabels& raw, size_t file) {
  const auto is_number = [](const auto& value) { return !std::holds_alternative<std::string>(value); };
  for (size_t i = 0; i < raw.values.size(); ++i) {
    if (raw.places[i].file != file) continue;
    const auto* list = std::get_if<std::vector<RawClass>>(&raw.values[i]);
    if (list == nullptr ? is_number(raw.values[i]) : std::any_of(list->begin(), list->end(), is_number))
      return true;
  }
  return false;
}

}  // namespace

ClassIds::ClassIds(const RawLabels& raw, LabelSet labels, size_t num_known)
    : raw_(raw), labels_(std::move(labels)), num_known_(std::min(num_known, labels_.names.size())) {
  for (size_t id = 0; id < labels_.names.size(); ++id) {
    if (!by_name_.emplace(labels_.names[id], static_cast<int64_t>(id)).second) {
      Fail("labels: '{}' occurs twice", Printable(labels_.names[id]));
    }
  }
  MapIntegers();
  MapTruths();
  for (size_t file = 0; file < raw.schemas.size(); ++file) MapClassLabel(file);
}

void ClassIds::MapClassLabel(size_t file) {
  std::vector<int64_t>& ids = by_class_label_.emplace_back();
  const std::vector<std::string>& own_names = raw_.schemas[file].class_names;
  size_t found = 0, found_at_own_id = 0;
  for (size_t id = 0; id < own_names.size(); ++id) {
    const auto label = by_name_.find(own_names[id]);
    ids.push_back(label == by_name_.end() ? kNoClass : label->second);
    found += ids.back() == kNoClass ? 0 : 1;
    found_at_own_id += ids.back() == static_cast<int64_t>(id) ? 1 : 0;
  }
  // If some classes have other names, but the order is the same, they are the same classes.
  const bool is_renamed =
      found == found_at_own_id && own_names.size() == labels_.names.size() && !names_are_numbers_;
  if (found == own_names.size() || (found > 0 && !is_renamed)) return;
  ids.clear();
  if (std::all_of(labels_.names.begin(), labels_.names.end(), LabelNumberOf) || !HoldsNumbers(raw_, file))
    return;
  const std::string path = raw_.files[file].path.string();
  if (names_are_numbers_) {
    Fail("{}: its classes {} are none of {}; write its labels as these", path, Listed(own_names),
         Listed(labels_.names));
  }
  warnings_.push_back(fmt::format("{}: its classes {} are not the model's {}; taken by their ids", path,
                                  Listed(own_names), Listed(labels_.names)));
}

void ClassIds::MapIntegers() {
  names_are_numbers_ =
      std::any_of(labels_.names.begin(), labels_.names.begin() + static_cast<ptrdiff_t>(num_known_),
                  [](const std::string& name) { return NumberOf(name); });
  if (names_are_numbers_) return MapValues();
  MapLabelNumbers();
  for (size_t id = by_integer_.empty() ? 0 : num_known_; id < num_known_; ++id) {
    by_integer_.emplace(id, id);
  }
}

void ClassIds::MapValues() {
  for (size_t id = 0; id < num_known_; ++id) {
    const std::optional<int64_t> value = IntegerOf(labels_.names[id]);
    if (value && !by_integer_.emplace(*value, id).second) of_several_names_.insert(*value);
  }
  for (const int64_t value : of_several_names_) {
    const auto exact = by_name_.find(std::to_string(value));
    if (exact == by_name_.end() || exact->second >= static_cast<int64_t>(num_known_)) {
      by_integer_.erase(value);
    } else {
      by_integer_[value] = exact->second;
    }
  }
}

void ClassIds::MapLabelNumbers() {
  for (size_t id = 0; id < num_known_; ++id) {
    if (const auto number = LabelNumberOf(labels_.names[id])) by_integer_.emplace(*number, id);
  }
}

void ClassIds::MapTruths() {
  std::array<int, 2> spellings = {0, 0};
  for (size_t id = 0; id < num_known_; ++id) {
    const std::optional<bool> truth = TruthOf(labels_.names[id]);
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
    const int64_t id = ids[static_cast<size_t>(value)];
    return id == kNoClass ? std::nullopt : std::optional(id);
  }
  const auto found = by_integer_.find(value);
  return found == by_integer_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<int64_t> ClassIds::FindTruth(uint32_t file, bool truth) const {
  const auto found = by_name_.find(TruthName(truth));
  if (found != by_name_.end() && found->second < static_cast<int64_t>(num_known_)) return found->second;
  return names_are_truths_ ? by_truth_[truth ? 1 : 0] : FindInteger(file, truth ? 1 : 0);
}

std::optional<int64_t> ClassIds::FindName(uint32_t file, const ClassName& name) const {
  const auto found = by_name_.find(name.text);
  if (found != by_name_.end()) return found->second;
  const std::optional<bool> truth = TruthOf(name.text);
  if (truth && (name.is_field || names_are_truths_)) return FindTruth(file, *truth);
  const std::optional<int64_t> integer = name.is_field ? IntegerOfField(name.text) : std::nullopt;
  return integer ? FindInteger(file, *integer) : std::nullopt;
}

std::optional<int64_t> ClassIds::IntegerOfField(std::string_view text) const {
  const std::optional<int64_t> plain = PlainIntegerOf(text);
  if (plain || !names_are_numbers_) return plain;
  const std::optional<int64_t> integer = IntegerOf(text);
  return integer && of_several_names_.contains(*integer) ? std::nullopt : integer;
}

bool ClassIds::SpellsNumber(const ClassName& name) const {
  return name.is_field &&
         (TruthOf(name.text) || (names_are_numbers_ ? IntegerOf(name.text) : PlainIntegerOf(name.text)));
}

size_t ClassIds::num_places() const {
  const auto found = std::find_if(by_class_label_.begin(), by_class_label_.end(),
                                  [](const std::vector<int64_t>& ids) { return !ids.empty(); });
  return found == by_class_label_.end() ? labels_.names.size() : found->size();
}

void ClassIds::CheckMultiHot(size_t length) const {
  for (size_t file = 0; length > 0 && file < by_class_label_.size(); ++file) {
    const bool names_its_own = !by_class_label_[file].empty();
    const std::vector<std::string>& names = names_its_own ? raw_.schemas[file].class_names : labels_.names;
    if (names.size() == length) continue;
    Fail("{}: its labels are lists of {} zeros and ones, but there are {} classes: {}",
         raw_.files[file].path.string(), length, names.size(), Listed(names));
  }
}

std::optional<int64_t> ClassIds::FindClass(uint32_t file, const RowClass& row_class) const {
  if (const auto* integer = std::get_if<int64_t>(&row_class)) return FindInteger(file, *integer);
  if (const auto* truth = std::get_if<bool>(&row_class)) return FindTruth(file, *truth);
  if (const auto* name = std::get_if<ClassName>(&row_class)) return FindName(file, *name);
  const size_t place = std::get<ClassPlace>(row_class).index;
  if (by_class_label_[file].empty()) return static_cast<int64_t>(place);
  return FindInteger(file, static_cast<int64_t>(place));
}

std::string ClassIds::Described(uint32_t file, const RowClass& row_class) const {
  if (const auto* truth = std::get_if<bool>(&row_class)) return std::string(TruthName(*truth));
  if (const auto* name = std::get_if<ClassName>(&row_class))
    return fmt::format("'{}'", Printable(name->text));
  const auto* place = std::get_if<ClassPlace>(&row_class);
  const int64_t integer =
      place != nullptr ? static_cast<int64_t>(place->index) : std::get<int64_t>(row_class);
  const std::vector<std::string>& own_names = raw_.schemas[file].class_names;
  if (integer < 0 || integer >= std::ssize(own_names)) return std::to_string(integer);
  return fmt::format("{}, '{}',", integer, Printable(own_names[static_cast<size_t>(integer)]));
}

int64_t ClassIds::Find(size_t i, const RowClass& row_class) const {
  const uint32_t file = raw_.places[i].file;
  if (const auto id = FindClass(file, row_class)) return *id;
  const auto* name = std::get_if<ClassName>(&row_class);
  FailLabel(raw_, i, "label {} is not one of {}{}", Described(file, row_class), Listed(labels_.names),
            name == nullptr ? "" : DidYouMean(name->text, labels_.names));
}

}  // namespace gemtune::data
