#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace gemtune {

/// A fingerprint of 128 bits (XXH3) of everything that is added, in order. Protects against accidental
/// collisions, not against an attacker.
class Hash {
 public:
  Hash();

  void Add(uint64_t number);

  /// Adds the length first, so that "ab", "c" and "a", "bc" differ.
  void Add(std::string_view text);

  /// Does not add the length; the caller must if it may vary.
  void AddBytes(std::span<const std::byte> bytes);

  /// A file's contents. Throws Error if it cannot be read.
  void AddFile(const std::filesystem::path& path);

  /// 32 digits.
  std::string Hex() const;

 private:
  std::unique_ptr<void, void (*)(void*)> state_;
};

}  // namespace gemtune
