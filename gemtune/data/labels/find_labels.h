#pragma once

#include <cstddef>

#include "gemtune/data/labels/class_ids.h"
#include "gemtune/data/labels/labels.h"
#include "gemtune/data/labels/row_classes.h"

namespace gemtune::data {

/// How the labels of rows come to ids of classes: settled once, by all rows together. For kSingle and
/// kMultiLabel.
struct LabelReader {
  ClassIds ids;     // with the classes, ids.labels()
  RowClasses rows;  // the classes that rows name
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
/// all such among booleans. Throws Error naming file and row for a label that is empty or does not fit
/// `kind`, for numbers and strings mixed, for a missing-value marker ("NA") among the numbers of a CSV, for
/// files whose ClassLabels differ, and where rows are of fewer than two classes (kMultiLabel: one).
///
/// What is wrong with one row only is a RowError; where `bad` is given it goes there, and rows that are there
/// count for nothing. `raw` and `bad` must outlive what is returned.
LabelReader FindLabels(const RawLabels& raw, LabelKind kind, BadRows* bad);

/// The classes of a model, `known`, in their order, and behind them those names of the data that are new: of
/// a ClassLabel in its order, then of rows in the order of their bytes. What a row means is as ReadLabels has
/// it for `known`; integers and booleans are never new. Throws Error as FindLabels does, and where the data
/// has names and none of them is known, saying what to do about it.
LabelReader ExtendLabels(const RawLabels& raw, LabelKind kind, const LabelSet& known, BadRows* bad);

/// Just the classes that are given. Throws Error where one is there twice.
LabelReader GivenLabels(const RawLabels& raw, LabelKind kind, const LabelSet& labels, BadRows* bad);

}  // namespace gemtune::data
