#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gemtune/data/labels/labels.h"

namespace gemtune::data {

/// The classes of the data's labels: the given ones (`labels`), or the known ones and any new ones
/// (ExtendLabels), or those found in the data (FindLabels; for regression FindOutputs). A regression keeps
/// its known outputs.
struct LabelOptions {
  LabelKind kind = LabelKind::kSingle;
  std::optional<LabelSet> labels = {};
  std::optional<LabelSet> known_labels = {};  // without `labels`
};

struct EncodedLabels {
  LabelSet labels = {};
  std::vector<float> values = {};          // [rows · LabelWidth], as in Dataset::label
  std::vector<std::string> warnings = {};  // one line for each file whose own class names were ignored
};

/// Converts the labels of rows to values.
///  - A string must be one of the labels.
///  - An integer in a file with ClassLabel names means that name, unless none of these names is a label, or
///    there are as many labels and the shared names have the same ids.
///  - Any other integer: if some labels are numbers ("1", " 1", "01", "1.0", "1.5"), it means the label that
///    is its text or else the only one with its value, and never an id; else, if some are "LABEL_<integer>",
///    that label; else the label with that id.
///  - A CSV field is a name, or else the boolean or the integer that it spells ("03" if labels are numbers).
///  - A boolean means the label "True" or "False", or else the one label that spells it ("true"), or else, if
///    no label spells one, what the integers 1 and 0 mean. A string may spell it too, if labels do.
///  - For kRegression: the number or the numbers of a row, LabelWidth of them (ReadTargets).
/// Throws an Error naming file, row, label and the known names for a label that is not among them. With
/// `bad`, as in FindLabels; then the values of such rows are meaningless.
EncodedLabels ReadLabels(const RawLabels& raw, const LabelOptions& options, BadRows* bad = nullptr);

}  // namespace gemtune::data
