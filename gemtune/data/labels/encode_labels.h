#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gemtune/data/labels/labels.h"

namespace gemtune::data {

/// What classes the labels of data are of: those given, or those known and what is new (ExtendLabels), or
/// those found (FindLabels; of regression FindOutputs). A regression's known outputs are its outputs.
struct LabelOptions {
  LabelKind kind = LabelKind::kSingle;
  std::optional<LabelSet> labels = {};
  std::optional<LabelSet> known_labels = {};  // without `labels`
};

struct EncodedLabels {
  LabelSet labels = {};
  std::vector<float> values = {};          // [rows · LabelWidth], as Dataset::label has them
  std::vector<std::string> warnings = {};  // one line each: files whose own names of classes were passed over
};

/// The labels of rows as values. A string must be one of the labels. An integer of a file with ClassLabel
/// names means the name, unless none of them is a label, or those that are stand at the same ids among as
/// many; any other means, where some names are numbers ("1", " 1", "01", "1.0", "1.5"), the class whose name
/// is its text or else the only one of its value, and never an id; else, where some are "LABEL_<integer>",
/// that class; else the class of that id. A CSV field is a name, or else the boolean or the integer that it
/// spells ("03" where names are numbers). A boolean means the class "True" or "False", or else the one name
/// that spells it ("true"), or else, where no name spells one, what the integers 1 and 0 mean; a string may
/// spell it, too, where names do. For kRegression the number or the numbers of a row, LabelWidth of them
/// (ReadTargets). Throws Error naming file, row, label and the known names for one that is not among them;
/// with `bad` as FindLabels has it: the values of such rows mean nothing.
EncodedLabels ReadLabels(const RawLabels& raw, const LabelOptions& options, BadRows* bad = nullptr);

}  // namespace gemtune::data
