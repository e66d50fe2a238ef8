#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gemtune/data/bad_row.h"
#include "gemtune/data/dataset.h"
#include "gemtune/text/tokenizer.h"

namespace gemtune::data {

// Texts that are given directly rather than in a file.

/// Why a text cannot be used, by the rules of ReadTable.
struct TextFault {
  RowFault fault;
  std::string message;  // without the text's place: "is not valid UTF-8"
};

/// nullopt for a text of valid UTF-8 and at most kMaxTextBytes.
std::optional<TextFault> FaultOf(std::string_view text);

/// Usable texts as examples without labels, of at most `max_length` tokens each (0: no limit). Does not
/// record which were cut.
Examples EncodeTexts(std::span<const std::string_view> texts, const text::Tokenizer& tokenizer,
                     int64_t max_length);

}  // namespace gemtune::data
