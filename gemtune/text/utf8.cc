#include "gemtune/text/utf8.h"

#include <cstdint>
#include <cstring>

namespace gemtune::text {
namespace {

struct Scan {
  size_t size = 0;  // bytes that belong together
  bool valid = false;
};

// The character at the start of `text` (not empty), or the maximal subpart of an ill-formed one.
Scan ScanOne(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xc2 || lead > 0xf4) return {1, false};
  const size_t length = Utf8Length(text[0]);
  // Only the second byte has bounds that depend on the lead.
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (size_t i = 1; i < length; ++i) {
    if (i == text.size() || byte(i) < (i == 1 ? low : 0x80) || byte(i) > (i == 1 ? high : 0xbf)) {
      return {i, false};
    }
  }
  return {length, true};
}

}  // namespace

size_t ValidUtf8Prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t eight = 0;
    if (at + sizeof(eight) <= text.size()) {
      std::memcpy(&eight, text.data() + at, sizeof(eight));
      if ((eight & 0x8080808080808080u) == 0) {
        at += sizeof(eight);
        continue;
      }
    }
    const Scan scan = ScanOne(text.substr(at));
    if (!scan.valid) break;
    at += scan.size;
  }
  return at;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t valid = ValidUtf8Prefix(text);
    out += text.substr(0, valid);
    text.remove_prefix(valid);
    if (!text.empty()) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(ScanOne(text).size);
    }
  }
  return out;
}

char32_t FirstCharacter(std::string_view text) {
  const size_t length = Utf8Length(text[0]);
  // The lead has its length in ones and a zero before the first bits of the character.
  auto character = static_cast<char32_t>(static_cast<unsigned char>(text[0]));
  if (length > 1) character &= 0xffu >> (length + 1);
  for (size_t i = 1; i < length; ++i) {
    character = (character << 6) | (static_cast<unsigned char>(text[i]) & 0x3fu);
  }
  return character;
}

char32_t LastCharacter(std::string_view text) {
  return FirstCharacter(text.substr(text.size() - LastCharacterSize(text)));
}

size_t LastCharacterSize(std::string_view text) {
  size_t size = 1;
  while ((text[text.size() - size] & 0xc0) == 0x80) ++size;
  return size;
}

}  // namespace gemtune::text
