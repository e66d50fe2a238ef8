#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gemtune/data/table.h"

namespace gemtune::data {

/// What a label is.
enum class LabelKind {
  kNone,        // no labels (predict)
  kSingle,      // one class of several: integer or string column
  kMultiLabel,  // any number of classes: list column
  kRegression,  // one number: integer or float column; or several, the same count in each row: list column
};

/// The classes of a data set, in the order of their ids, or the outputs of a regression. Found on the
/// training data, written to the model's id2label, and given back when further files are read.
struct LabelSet {
  std::vector<std::string> names = {};  // names[id]; empty for kNone, and for kRegression of one number a row
};

/// The label column of several files, with what is needed to read it and to name a row.
struct RawLabels {
  struct Place {
    uint32_t file;  // index into `files` and `schemas`
    int64_t row;
  };
  std::vector<DataFile> files;
  std::vector<FileSchema> schemas;  // of the files that were read, may be fewer
  std::vector<RawLabel> values;
  std::vector<Place> places;  // of each value

  /// Takes the labels of `batch`.
  void Append(RowBatch& batch);
};

/// Values an example has: kSingle 1 (the class id), kMultiLabel number of classes (0 or 1 each), kRegression
/// number of outputs (without names 1), kNone 0.
int64_t LabelWidth(LabelKind kind, const LabelSet& labels);

/// The files as a message names them: "a.csv and the other files".
std::string SourceOf(const std::vector<DataFile>& files);

/// The fewest classes that there can be: kSingle 2, kMultiLabel 1.
size_t LeastClasses(LabelKind kind);

}  // namespace gemtune::data
