#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
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

/// The classes in training data:
///   - a Hugging Face ClassLabel in a Parquet file: its names;
///   - integers 0, 1, ..., n-1, all of them there: "LABEL_0", ..., as transformers names them;
///   - other integers (1 to 5 stars; -1 and 1): the values in order, as names;
///   - booleans: "False" and "True"; 0 and 1 where others are integers;
///   - strings: the distinct ones, in the order of their bytes.
/// Lists are of such classes, or say of each class whether it applies, [1.0, 0.0, 1.0] (MultiHotLength): then
/// the classes are "LABEL_0", ... . Floats that are whole, and CSV fields if the whole column is such, count
/// as integers; around them white space and a plus are allowed there (" 3", "+3", "3.0"), but "03" is a name.
/// Fields count as booleans if the whole column is such (True, TRUE, true, ...), and so do strings that are
/// all such among booleans. Empty for kNone; for kRegression FindOutputs. Throws Error naming file and row
/// for a label that is empty or does not fit `kind`, for numbers and strings mixed, for a missing-value
/// marker ("NA") among the numbers of a CSV, for files whose ClassLabels differ, and where rows are of fewer
/// than two classes (kMultiLabel: one).
///
/// What is wrong with one row only is a RowError; where `bad` is given it goes there, and rows that are there
/// count for nothing.
LabelSet FindLabels(const RawLabels& raw, LabelKind kind, BadRows* bad = nullptr);

/// The classes of a model, `known`, in their order, and behind them those names of the data that are new: of
/// a ClassLabel in its order, then of rows in the order of their bytes. What a row means is as EncodeLabels
/// has it for `known`; integers and booleans are never new. For kRegression and kNone `known`. Throws Error
/// as FindLabels does, and where the data has names and none of them is known, saying what to do about it.
LabelSet ExtendLabels(const RawLabels& raw, LabelKind kind, const LabelSet& known, BadRows* bad = nullptr);

/// Label values [rows · LabelWidth], as Dataset::label has them. A string must be one of `labels`. An integer
/// of a file with ClassLabel names means the name, unless none of them is in `labels`, or those that are
/// stand at the same ids among as many; any other means, where some names are numbers ("1", " 1", "01",
/// "1.0", "1.5"), the class whose name is its text or else the only one of its value, and never an id; else,
/// where some are "LABEL_<integer>", that class; else the class of that id. A CSV field is a name, or else
/// the boolean or the integer that it spells ("03" where names are numbers). A boolean means the class "True"
/// or "False", or else the one name that spells it ("true"), or else, where no name spells one, what the
/// integers 1 and 0 mean; a string may spell it, too, where names do. Throws Error naming file, row, label
/// and the known names for one that is not among them. For kRegression the number or the numbers of a row,
/// LabelWidth of them (ReadTargets). `bad` as above; the values of such rows mean nothing.
std::vector<float> EncodeLabels(const RawLabels& raw, LabelKind kind, const LabelSet& labels,
                                BadRows* bad = nullptr);

/// What classes the labels of data are of: those given, or those known and what is new, or those found.
struct LabelOptions {
  LabelKind kind = LabelKind::kSingle;
  std::optional<LabelSet> labels = {};
  std::optional<LabelSet> known_labels = {};  // without `labels`
};

struct EncodedLabels {
  LabelSet labels = {};
  std::vector<float> values = {};          // [rows · LabelWidth]
  std::vector<std::string> warnings = {};  // one line each: files whose own names of classes were passed over
};

/// FindLabels or ExtendLabels, where no labels are given, and EncodeLabels.
EncodedLabels ReadLabels(const RawLabels& raw, const LabelOptions& options, BadRows* bad = nullptr);

/// Values an example has: kSingle 1 (the class id), kMultiLabel number of classes (0 or 1 each), kRegression
/// number of outputs (without names 1), kNone 0.
int64_t LabelWidth(LabelKind kind, const LabelSet& labels);

/// The files as a message names them: "a.csv and the other files".
std::string SourceOf(const std::vector<DataFile>& files);

/// The fewest classes that there can be: kSingle 2, kMultiLabel 1.
size_t LeastClasses(LabelKind kind);

}  // namespace gemtune::data
