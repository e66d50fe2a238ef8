#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gemtune::cli {

struct TomlEntry {
  std::string key;
  std::vector<std::string> values;  // one, or those of an array; texts without their quotes
};

/// What a file of options needs of TOML 1.0: lines of key = value, a value being a text in "" or '', a
/// number, true, false (none of which is looked into), or an array of such over any number of lines; and
/// comments. Throws Error "<source>: line <n>: ..." for anything else, and for a key that is there twice.
///
/// By hand, since toml++ as Debian 12 and 13 have it (3.3, 3.4) runs out of stack on a key a.a.a.a... of a
/// hundred thousand parts and into undefined behaviour on U+FE7F before a key, which a fuzzer finds in a
/// second.
std::vector<TomlEntry> ParseToml(std::string_view text, const std::string& source);

/// `text` in the quotes in which ParseToml gives it back.
std::string TomlString(const std::string& text);

}  // namespace gemtune::cli
