#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gemtune/data/row_classes.h"

namespace gemtune::data {

/// From the classes of rows to ids, see EncodeLabels.
class ClassIds {
 public:
  ClassIds(const RawLabels& raw, const LabelSet& labels);

  /// How long a multi-hot list must be: as many as the classes of the first file that names its own, or else
  /// as the labels.
  size_t num_places() const;

  /// Throws Error naming both numbers where multi-hot lists of that length are not for each file's classes;
  /// 0: there are none.
  void CheckMultiHot(size_t length) const;

  /// Throws RowError for a class that is not among the labels.
  int64_t Find(size_t i, const RowClass& row_class) const;

 private:
  // What integers mean: the values of names that are numbers; else the numbers n of LABEL_n; else ids.
  void MapIntegers();
  void MapValues();
  void MapLabelNumbers();
  void MapTruths();
  std::optional<int64_t> FindInteger(uint32_t file, int64_t value) const;
  std::optional<int64_t> FindTruth(uint32_t file, bool truth) const;
  std::optional<int64_t> FindName(uint32_t file, const ClassName& name) const;

  const RawLabels& raw_;
  const std::vector<std::string>& names_;
  std::unordered_map<std::string_view, int64_t> by_name_;
  bool names_are_numbers_ = false;  // one of them at least
  std::unordered_map<int64_t, int64_t> by_integer_;
  bool names_are_truths_ = false;
  std::array<std::optional<int64_t>, 2> by_truth_;
  std::vector<std::vector<int64_t>> by_class_label_;  // [file][integer]; empty: the file's names say nothing
};

}  // namespace gemtune::data
