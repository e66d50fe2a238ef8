#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gemtune::data {

/// Converts UTF-16 to UTF-8 in blocks of bytes, which may be cut anywhere.
class Utf16Decoder {
 public:
  explicit Utf16Decoder(bool big_endian) : big_endian_(big_endian) {}

  /// Appends the characters of `bytes` to `utf8`; a partial character at the end waits for the next call.
  /// False for an unpaired surrogate.
  bool Decode(std::string_view bytes, std::string& utf8);

  /// Whether a part of a character waits for the rest of it.
  bool pending() const { return first_byte_.has_value() || high_surrogate_ != 0; }

 private:
  bool AddUnit(uint32_t unit, std::string& utf8);

  bool big_endian_;
  std::optional<uint8_t> first_byte_;
  uint32_t high_surrogate_ = 0;
};

}  // namespace gemtune::data
