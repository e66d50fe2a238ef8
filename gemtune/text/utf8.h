#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gemtune::text {

/// Bytes of the longest prefix that is well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no
/// surrogates, nothing above U+10FFFF).
size_t ValidUtf8Prefix(std::string_view text);

/// `text` with every ill-formed part replaced by U+FFFD, one for each maximal subpart (Unicode 15, section
/// 3.9), as Python's bytes.decode(errors="replace") does.
std::string ReplaceInvalidUtf8(std::string_view text);

/// Length in bytes of a well-formed character whose first byte is `lead`.
inline size_t Utf8Length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/// The first character of well-formed UTF-8 that is not empty.
char32_t FirstCharacter(std::string_view text);

/// The last character, and its length in bytes.
char32_t LastCharacter(std::string_view text);
size_t LastCharacterSize(std::string_view text);

}  // namespace gemtune::text
