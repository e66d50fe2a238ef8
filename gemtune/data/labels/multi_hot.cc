#include "gemtune/data/labels/multi_hot.h"

#include <algorithm>
#include <map>
#include <string>

#include "gemtune/data/labels/label_text.h"
#include "gemtune/data/labels/row_classes.h"

namespace gemtune::data {
namespace {

enum class ListForm {
  kEmpty,
  kTyped,         // with a float or a boolean, which no id is
  kZerosAndOnes,  // integers
  kIds,           // names, or integers of which one is neither 0 nor 1
  kUnusable,
};

ListForm FormOf(const std::vector<RawClass>& list) {
  if (list.empty()) return ListForm::kEmpty;
  bool has_name = false, has_typed = false, has_other_integer = false;
  for (const RawClass& item : list) {
    if (const auto* name = std::get_if<std::string>(&item)) {
      if (Trimmed(*name).empty()) return ListForm::kUnusable;
      has_name = true;
    } else if (const auto* integer = std::get_if<int64_t>(&item)) {
      has_other_integer = has_other_integer || (*integer != 0 && *integer != 1);
    } else {
      has_typed = true;
    }
  }
  if (has_typed && !has_name) return ListForm::kTyped;
  return has_name || has_other_integer ? ListForm::kIds : ListForm::kZerosAndOnes;
}

bool Repeats(const std::vector<RawClass>& zeros_and_ones) {
  return zeros_and_ones.size() > 2 || (zeros_and_ones.size() == 2 && zeros_and_ones[0] == zeros_and_ones[1]);
}

struct ListCounts {
  std::map<ListForm, size_t> forms;
  std::map<size_t, size_t> lengths;  // of those that may be multi-hot
  size_t no_lists = 0;
  bool repeats = false;
  size_t first = 0;  // of those that may be multi-hot
};

ListCounts CountLists(const RawLabels& raw, const BadRows* bad) {
  ListCounts counts;
  for (size_t i = 0; i < raw.values.size(); ++i) {
    if (bad != nullptr && bad->contains(i)) continue;
    const auto* list = std::get_if<std::vector<RawClass>>(&raw.values[i]);
    if (list == nullptr) {
      ++counts.no_lists;
      continue;
    }
    const ListForm form = FormOf(*list);
    ++counts.forms[form];
    if (form != ListForm::kTyped && form != ListForm::kZerosAndOnes) continue;
    if (counts.lengths.empty()) counts.first = i;
    ++counts.lengths[list->size()];
    counts.repeats = counts.repeats || (form == ListForm::kZerosAndOnes && Repeats(*list));
  }
  return counts;
}

size_t MostFrequent(const std::map<size_t, size_t>& counts) {
  const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::max_element(counts.begin(), counts.end(), less)->first;
}

}  // namespace

size_t MultiHotLength(const RawLabels& raw, std::optional<size_t> num_classes, const BadRows* bad) {
  ListCounts counts = CountLists(raw, bad);
  if (counts.lengths.empty()) return 0;
  const size_t length = MostFrequent(counts.lengths);
  const size_t typed = counts.forms[ListForm::kTyped], ids = counts.forms[ListForm::kIds];
  if (typed > 0) return typed >= ids ? length : 0;
  const bool all_alike = ids == 0 && counts.forms[ListForm::kEmpty] == 0 && counts.lengths.size() == 1 &&
                         (counts.no_lists == 0 || bad != nullptr);
  if (!all_alike || length != num_classes.value_or(length)) return 0;
  if (counts.repeats) return length;
  FailLabel(
      raw, counts.first,
      "every label is a list of {} zeros and ones, which may be ids or one-hot; write one-hot as 1.0 and "
      "0.0 or true and false, ids as names",
      length);
}

std::vector<size_t> PlacesOfOnes(const RawLabels& raw, size_t i, const std::vector<RawClass>& list,
                                 size_t length) {
  std::vector<size_t> places;
  for (size_t place = 0; place < list.size(); ++place) {
    double value = 0;
    if (const auto* integer = std::get_if<int64_t>(&list[place])) value = static_cast<double>(*integer);
    if (const auto* number = std::get_if<double>(&list[place])) value = *number;
    if (const auto* truth = std::get_if<bool>(&list[place])) value = *truth ? 1 : 0;
    if (const auto* name = std::get_if<std::string>(&list[place])) {
      FailLabel(raw, i, "the label is a list with '{}' in it, those of other rows are of zeros and ones",
                Printable(*name));
    }
    if (value != 0 && value != 1) {
      FailLabel(raw, i,
                "label {} is neither 0 nor 1; lists with floats or booleans say of each class whether it "
                "applies; write ids as integers",
                value);
    }
    if (value == 1) places.push_back(place);
  }
  if (list.size() != length) {
    FailLabel(raw, i, "the label is a list of {} zeros and ones, those of other rows are of {}", list.size(),
              length);
  }
  return places;
}

}  // namespace gemtune::data
