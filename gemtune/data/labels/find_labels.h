#pragma once

#include <cstddef>

#include "gemtune/data/labels/class_ids.h"
#include "gemtune/data/labels/labels.h"
#include "gemtune/data/labels/row_classes.h"

namespace gemtune::data {

/// Maps the labels of rows to class ids, for kSingle and kMultiLabel. All rows together determine the
/// mapping.
struct LabelReader {
  ClassIds ids;     // with the classes, ids.labels()
  RowClasses rows;  // the classes that the rows name
};

/// Finds the classes in training data:
///   - a Hugging Face ClassLabel in a Parquet file: its names;
///   - integers 0, 1, ..., n-1, all of them present: "LABEL_0", ..., as transformers names them;
///   - other integers (1 to 5 stars; -1 and 1): the values in order, as names;
///   - booleans: "False" and "True"; 0 and 1 if other labels are integers;
///   - strings: the distinct ones, in the order of their bytes.
/// A list holds such classes, or says for each class whether it applies, [1.0, 0.0, 1.0] (MultiHotLength);
/// the classes are then "LABEL_0", ... . Whole floats count as integers, and so do CSV fields if all of the
/// column do; white space and a plus sign around them are allowed (" 3", "+3", "3.0"), but "03" is a name.
/// Fields count as booleans if all of the column do (True, TRUE, true, ...), and so do strings among
/// booleans. Throws an Error naming file and row for a label that is empty or does not fit `kind`, for a mix
/// of numbers and strings, for a missing-value marker ("NA") among the numbers of a CSV, for files with
/// different ClassLabels, and if the rows have fewer than two classes (kMultiLabel: one).
///
/// A fault in a single row is a RowError. If `bad` is given, the error is stored there, and rows in it are
/// ignored. `raw` and `bad` must outlive the result.
LabelReader FindLabels(const RawLabels& raw, LabelKind kind, BadRows* bad);

/// The classes `known` of a model in their order, followed by names that are new in the data: first those of
/// a ClassLabel, in its order, then those of rows, in the order of their bytes. Labels of rows are
/// interpreted as in ReadLabels with `known`; integers and booleans are never new. Throws Error as FindLabels
/// does, and also, saying what to do, if the data has names and none of them is known.
LabelReader ExtendLabels(const RawLabels& raw, LabelKind kind, const LabelSet& known, BadRows* bad);

/// Exactly the given classes. Throws Error if one occurs twice.
LabelReader GivenLabels(const RawLabels& raw, LabelKind kind, const LabelSet& labels, BadRows* bad);

}  // namespace gemtune::data
