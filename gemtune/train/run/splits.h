#pragma once

#include <optional>

#include "gemtune/data/data_check.h"
#include "gemtune/train/run/options.h"

namespace gemtune::train {

/// The data of a run.
struct Splits {
  data::Dataset train;
  std::optional<data::Dataset> validation = {}, test = {};

  data::DataSplits All() const {
    return {&train, validation ? &*validation : nullptr, test ? &*test : nullptr};
  }
};

/// Reads and tokenises the files of options.data to train `source`; validation and test data have the
/// training data's labels. Logs the sizes and warns about data that makes a run pointless
/// (data::DataWarnings). Throws Error as Dataset::Load does, and for a token without an embedding in the
/// model.
Splits LoadSplits(const RunOptions& options, const model::ModelSource& source,
                  const text::Tokenizer& tokenizer);

}  // namespace gemtune::train
