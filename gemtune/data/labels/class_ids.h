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

/// From the classes of rows to ids, see ReadLabels.
class ClassIds {
 public:
  /// Integers and booleans mean one of the first `num_known` of the labels only, see ExtendLabels. `raw` must
  /// outlive this. Throws Error for a name that is there twice.
  ClassIds(const RawLabels& raw, LabelSet labels, size_t num_known = std::numeric_limits<size_t>::max());

  // Names are looked up by views into the labels, which move along and would not be copied along.
  ClassIds(ClassIds&&) = default;
  ClassIds(const ClassIds&) = delete;

  const LabelSet& labels() const { return labels_; }

  /// How long a multi-hot list must be: as many as the classes of the first file that names its own, or else
  /// as the labels.
  size_t num_places() const;

  /// Throws Error naming both numbers where multi-hot lists of that length are not for each file's classes;
  /// 0: there are none.
  void CheckMultiHot(size_t length) const;

  /// Throws RowError for a class that is not among the labels.
  int64_t Find(size_t i, const RowClass& row_class) const;

  /// Whether a class in a file is among the labels.
  bool Knows(uint32_t file, const RowClass& row_class) const {
    return FindClass(file, row_class).has_value();
  }

  /// Whether a name is a field that spells an integer or a boolean, and so never the name of a class to come.
  bool SpellsNumber(const ClassName& name) const;

  /// What to warn of, one line each: files whose own names for their classes are none of the labels.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  // What integers mean: the values of names that are numbers; else the numbers n of LABEL_n; else ids.
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
  bool names_are_numbers_ = false;  // one of them at least
  std::unordered_map<int64_t, int64_t> by_integer_;
  std::unordered_set<int64_t> of_several_names_;  // "1" and "01": the integer is the first, "001" neither
  bool names_are_truths_ = false;
  std::array<std::optional<int64_t>, 2> by_truth_;
  std::vector<std::vector<int64_t>> by_class_label_;  // [file][integer]; empty: the file's names say nothing
  std::vector<std::string> warnings_;
};

}  // namespace gemtune::data
