#include "gemtune/data/utf16.h"

namespace gemtune::data {
namespace {

void AppendUtf8(uint32_t code_point, std::string& utf8) {
  const auto append = [&](uint32_t byte) { utf8 += static_cast<char>(byte); };
  const auto append_rest = [&](int shift) { append(0x80 | ((code_point >> shift) & 0x3f)); };
  if (code_point < 0x80) {
    append(code_point);
  } else if (code_point < 0x800) {
    append(0xc0 | (code_point >> 6));
    append_rest(0);
  } else if (code_point < 0x10000) {
    append(0xe0 | (code_point >> 12));
    append_rest(6);
    append_rest(0);
  } else {
    append(0xf0 | (code_point >> 18));
    append_rest(12);
    append_rest(6);
    append_rest(0);
  }
}

}  // namespace

bool Utf16Decoder::AddUnit(uint32_t unit, std::string& utf8) {
  const bool is_high = unit >= 0xd800 && unit < 0xdc00;
  const bool is_low = unit >= 0xdc00 && unit < 0xe000;
  if (is_low != (high_surrogate_ != 0)) return false;
  if (is_high) {
    high_surrogate_ = unit;
  } else if (is_low) {
    AppendUtf8(0x10000 + ((high_surrogate_ - 0xd800) << 10) + (unit - 0xdc00), utf8);
    high_surrogate_ = 0;
  } else {
    AppendUtf8(unit, utf8);
  }
  return true;
}

bool Utf16Decoder::Decode(std::string_view bytes, std::string& utf8) {
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (!first_byte_) {
      first_byte_ = byte;
      continue;
    }
    const uint32_t unit = big_endian_ ? *first_byte_ << 8 | byte : byte << 8 | *first_byte_;
    first_byte_.reset();
    if (!AddUnit(unit, utf8)) return false;
  }
  return true;
}

}  // namespace gemtune::data
