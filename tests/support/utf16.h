#pragma once

#include <string>
#include <string_view>

namespace gemtune::test {

/// The bytes of a text in UTF-16; a byte order mark where the text begins with one.
inline std::string Utf16(std::u16string_view text, bool big_endian) {
  std::string bytes;
  for (const char16_t unit : text) {
    const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xff);
    bytes += big_endian ? high : low;
    bytes += big_endian ? low : high;
  }
  return bytes;
}

}  // namespace gemtune::test
