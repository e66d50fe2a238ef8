#pragma once

#include <string>
#include <string_view>

namespace gemtune::cli {

/// "max_length" → "--max-length"
std::string OptionName(std::string_view field);

/// A message of the library as the program shows it: an option, which the library calls by its field
/// (`max_length`), is spelled as its user types it.
std::string SpellOptions(std::string_view message);

}  // namespace gemtune::cli
