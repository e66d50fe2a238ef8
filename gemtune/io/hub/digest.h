#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gemtune::io::hub {

/// A cryptographic hash (FIPS 180-4) of a file's contents, as a hub names them by it. Takes 100 MB/s and
/// more.
class Digest {
 public:
  static Digest Sha256();

  /// The SHA-1 by which git names a file of `bytes` bytes.
  static Digest GitBlob(uint64_t bytes);

  void Add(std::span<const std::byte> bytes);

  /// Of all that was added, in small letters. Nothing may be added afterwards.
  std::string Hex();

 private:
  static constexpr size_t kBlockBytes = 64;
  using State = std::array<uint32_t, 8>;
  using Compress = void (*)(State& state, const std::byte* block);

  Digest(const State& state, size_t words, Compress compress)
      : state_(state), words_(words), compress_(compress) {}

  State state_;
  size_t words_;  // of the state, that make the hash
  Compress compress_;
  std::array<std::byte, kBlockBytes> block_ = {};  // its first bytes_ % kBlockBytes bytes wait for the rest
  uint64_t bytes_ = 0;
};

/// Whether the text is `digits` hexadecimal digits in small letters.
bool IsHex(std::string_view text, size_t digits);

}  // namespace gemtune::io::hub
