#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gemtune::data {

/// The finite number that a text spells.
std::optional<double> ParseNumber(std::string_view text);

/// "3" and "3.0", as pandas writes a column of integers that once had a gap; not "03", which is a name.
std::optional<int64_t> ParseWholeNumber(std::string_view text);

/// Whether a text spells a number that is no integer.
bool IsFraction(std::string_view text);

/// Whether a text is what programs write for a value that is missing.
bool MarksMissing(std::string_view text);

}  // namespace gemtune::data
