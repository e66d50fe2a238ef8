#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "gemtune/kernels/quant.h"

namespace gemtune::test {

/// The bytes of a matrix [rows, columns] of random blocks whose numbers are at most of the order of 1.
inline std::vector<std::byte> RandomBlocks(kernels::BlockType type, int64_t rows, int64_t columns,
                                           unsigned seed) {
  using kernels::BlockType;
  const kernels::BlockTypeInfo& info = kernels::Info(type);
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(static_cast<size_t>(rows * kernels::RowBytes(type, columns)));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xff);
  const auto set = [&](size_t at, uint16_t bits) { std::memcpy(bytes.data() + at, &bits, sizeof bits); };
  for (size_t block = 0; block < bytes.size(); block += static_cast<size_t>(info.bytes)) {
    const auto mantissa = static_cast<uint16_t>(random() & 0x3f);
    // The high half of a small float, or the half-precision scales of a block: 2^-10 and a little.
    if (type == BlockType::kF32) {
      set(block + 2, static_cast<uint16_t>(0x3d80 + mantissa));
    } else if (type == BlockType::kBF16) {
      set(block, static_cast<uint16_t>(0x3d80 + mantissa));
    } else {
      set(block + (type == BlockType::kQ6_K ? 208 : 0), static_cast<uint16_t>(0x1400 + mantissa));
      if (type == BlockType::kQ4_K || type == BlockType::kQ5_K) set(block + 2, 0x1400);
    }
  }
  return bytes;
}

}  // namespace gemtune::test
