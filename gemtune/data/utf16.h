#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gemtune::data {

/// Makes UTF-8 of UTF-16, a block of bytes at a time, wherever the blocks are cut.
class Utf16Decoder {
 public:
  explicit Utf16Decoder(bool big_endian) : big_endian_(big_endian) {}

  /// Appends the characters of `bytes` to `utf8`; what is cut off at their end waits for the next call. False
  /// at a surrogate that is not one of a pair.
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
