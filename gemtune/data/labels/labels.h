#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gemtune/data/table.h"

namespace gemtune::data {

/// The kinds of labels.
enum class LabelKind {
  kNone,        // no labels (predict)
  kSingle,      // one class of several: integer or string column
  kMultiLabel,  // any number of classes: list column
  kRegression,  // one number: integer or float column; or several, equally many in each row: list column
};

/// The classes of a data set, in the order of their ids, or the outputs of a regression. They are found in
/// the training data, written to the model's id2label, and passed in again when other files are read.
struct LabelSet {
  std::vector<std::string> names =
      {};  // names[id]; empty for kNone, and for kRegression with one number per row
};

/// The label column of several files, with the information needed to interpret it and to name a row.
struct RawLabels {
  struct Place {
    uint32_t file;  // index in `files` and `schemas`
    int64_t row;
  };
  std::vector<DataFile> files;
  std::vector<FileSchema> schemas;  // of the files that were read, possibly fewer
  std::vector<RawLabel> values;
  std::vector<Place> places;  // for each value

  /// Takes the labels of `batch`.
  void Append(RowBatch& batch);
};

/// The number of label values per example. kSingle: 1 (the class id); kMultiLabel: the number of classes (0
/// or 1 each); kRegression: the number of outputs (1 without names); kNone: 0.
int64_t LabelWidth(LabelKind kind, const LabelSet& labels);

/// The files' name in messages: "a.csv and the other files".
std::string SourceOf(const std::vector<DataFile>& files);

/// The smallest allowed number of classes: kSingle 2, kMultiLabel 1.
size_t LeastClasses(LabelKind kind);

}  // namespace gemtune::data
