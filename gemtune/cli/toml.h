#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gemtune::cli {

struct TomlEntry {
  std::string key;
  std::vector<std::string> values;  // one, or an array's; texts without their quotes
};

/// Reads the part of TOML 1.0 that a file of options needs: comments and lines of key = value. A value is a
/// text in "" or '', a number, true or false (kept as written), or an array of these over any number of
/// lines. Throws Error "<source>: line <n>: ..." for anything else, and for a key that occurs twice.
///
/// Written by hand because toml++ as of Debian 12 and 13 (3.3, 3.4) overflows the stack on a key a.a.a.a...
/// of a hundred thousand parts and has undefined behaviour on U+FE7F before a key. A fuzzer finds both in a
/// second.
std::vector<TomlEntry> ParseToml(std::string_view text, const std::string& source);

/// `text` quoted so that ParseToml returns it unchanged.
std::string TomlString(const std::string& text);

}  // namespace gemtune::cli
