#pragma once

#include <string>

#include "gemtune/data/data_check.h"
#include "gemtune/train/metrics.h"
#include "gemtune/train/run/identity.h"

namespace gemtune::train {

/// The README.md of a finished run, as huggingface_hub.ModelCard reads it: metadata (YAML between ---) with
/// the base model, the kind of model and a model-index of its results, then what it was trained on, how, how
/// good it is, and the commands of `record`. `summary` is all_results.json.
std::string ModelCardText(const RunOptions& options, const data::DataSplits& data, const Metrics& summary,
                          const RunRecord& record);

}  // namespace gemtune::train
