#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gemtune/data/bad_row.h"

namespace gemtune::data {

/// Why a text that is given by itself, and not in a file (see ReadTable), cannot be used.
struct TextFault {
  RowFault fault;
  std::string message;  // without the text's place: "is not valid UTF-8"
};

/// Nothing for a text of valid UTF-8 and at most kMaxTextBytes.
std::optional<TextFault> FaultOf(std::string_view text);

}  // namespace gemtune::data
