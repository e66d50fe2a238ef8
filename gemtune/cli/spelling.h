#pragma once

#include <string>
#include <string_view>

namespace gemtune::cli {

/// "max_length" → "--max-length"
std::string OptionName(std::string_view field);

/// Turns a message of the library into the program's: an option that the library calls by its field
/// (`max_length`) is spelled as the user types it (--max-length).
std::string SpellOptions(std::string_view message);

}  // namespace gemtune::cli
