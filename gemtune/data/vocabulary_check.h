#pragma once

#include <cstdint>
#include <string>

#include "gemtune/data/dataset.h"

namespace gemtune::data {

/// Throws Error if a token of the data set has no row in an embedding of `vocab_size` rows; `source` is what the
/// data set is called.
void CheckVocabulary(const Dataset& dataset, int64_t vocab_size, const text::Tokenizer& tokenizer,
                     const std::string& source);

}  // namespace gemtune::data
