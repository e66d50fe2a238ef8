#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "gemtune/data/labels/row_classes.h"

namespace gemtune::data {

/// Maps the classes of rows to ids, see ReadLabels.
class ClassIds {
 public:
  /// Integers and booleans can only mean one of the first `num_known` labels, see ExtendLabels. `raw` must
  /// outlive this. Throws Error for a name that occurs twice.
  ClassIds(const RawLabels& raw, LabelSet labels, size_t num_known = std::numeric_limits<size_t>::max());

  // Movable only: names are looked up through views of the labels, which a copy would not share.
  ClassIds(ClassIds&&) = default;
  ClassIds(const ClassIds&) = delete;

  const LabelSet& labels() const { return labels_; }

  /// The required length of a multi-hot list: the number of classes of the first file that names its own, or
  /// else of labels.
  size_t num_places() const;

  /// Throws an Error naming both numbers if multi-hot lists of this length do not fit the number of each
  /// file's classes. 0 means that there are no such lists.
  void CheckMultiHot(size_t length) const;

  /// The class's id. Throws RowError if it is not among the labels.
  int64_t Find(size_t i, const RowClass& row_class) const;

  /// Whether a class in a file is among the labels.
  bool Knows(uint32_t file, const RowClass& row_class) const {
    return FindClass(file, row_class).has_value();
  }

  /// Whether a name is a field that spells an integer or a boolean, so that it never becomes the name of a
  /// new class.
  bool SpellsNumber(const ClassName& name) const;

  /// Warnings, one line each, about files whose own class names are not among the labels.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  // Sets what integers mean: the values of names that are numbers; else the numbers n of LABEL_n; else ids.
  void MapIntegers();
  void MapValues();
  void MapLabelNumbers();
  void MapTruths();
  void MapClassLabel(size_t file);
  std::optional<int64_t> FindInteger(uint32_t file, int64_t value) const;
  std::optional<int64_t> FindTruth(uint32_t file, bool truth) const;
  std::optional<int64_t> FindName(uint32_t file, const ClassName& name) const;
  std::optional<int64_t> FindClass(uint32_t file, const RowClass& row_class) const;
  std::optional<int64_t> IntegerOfField(std::string_view text) const;
  std::string Described(uint32_t file, const RowClass& row_class) const;

  const RawLabels& raw_;
  LabelSet labels_;
  size_t num_known_;
  std::unordered_map<std::string_view, int64_t> by_name_;
  bool names_are_numbers_ = false;  // at least one of them
  std::unordered_map<int64_t, int64_t> by_integer_;
  std::unordered_set<int64_t> of_several_names_;  // "1" and "01": the integer is the first, "001" neither
  bool names_are_truths_ = false;
  std::array<std::optional<int64_t>, 2> by_truth_;
  std::vector<std::vector<int64_t>> by_class_label_;  // [file][integer]; empty: the file's names say nothing
  std::vector<std::string> warnings_;
};

}  // namespace gemtune::data
