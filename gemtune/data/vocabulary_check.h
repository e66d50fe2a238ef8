#pragma once

#include <cstdint>
#include <string>

#include "gemtune/data/dataset.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::data {

/// Throws Error if a token of the data set has no row in an embedding of `vocab_size` rows; `source` names
/// the data in the message.
void CheckVocabulary(const Dataset& dataset, int64_t vocab_size, const text::Tokenizer& tokenizer,
                     const std::string& source);

}  // namespace gemtune::data
