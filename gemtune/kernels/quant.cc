#include "gemtune/kernels/quant.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "gemtune/base/error.h"
#include "gemtune/base/float16.h"

namespace gemtune::kernels {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks are read in place");

constexpr int64_t kSuperBlock = 256;  // elements of a K-quant block
constexpr int64_t kQ8Block = 32;      // elements of a Q8_0 block
constexpr int64_t kScaleBytes = 12;   // 8 scales and 8 minima of 6 bits

// The fixed inner loops below run over 16 or 32 bytes without loop-carried dependencies, so that g++
// vectorises them for every instruction set. `q` and `out` never overlap.

float HalfAt(const std::byte* p) {
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return FloatFromFloat16(bits);
}

const uint8_t* Unsigned(const std::byte* p) {
  return reinterpret_cast<const uint8_t*>(p);
}

// d (half), 16 bytes: low nibbles are elements 0..15, high nibbles 16..31; biased by 8.
void BlockQ4_0(const std::byte* block, float* __restrict out) {
  const float d = HalfAt(block);
  const uint8_t* q = Unsigned(block + 2);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((q[i] & 0x0f) - 8);
    out[i + 16] = d * static_cast<float>((q[i] >> 4) - 8);
  }
}

// kSpread[b]: eight bytes, the i-th 0x10 where bit i of b is set. A shift that differs per element would not
// vectorise before AVX2.
constexpr std::array<uint64_t, 256> kSpread = [] {
  std::array<uint64_t, 256> table{};
  for (size_t b = 0; b < 256; ++b) {
    for (size_t i = 0; i < 8; ++i) table[b] |= uint64_t{(b >> i) & 1} << (8 * i + 4);
  }
  return table;
}();

// d (half), 32 fifth bits, then as Q4_0; biased by 16.
void BlockQ5_0(const std::byte* block, float* __restrict out) {
  const float d = HalfAt(block);
  const uint8_t* high = Unsigned(block + 2);
  constexpr uint64_t kLowNibbles = 0x0f0f0f0f0f0f0f0f;
  uint8_t q[32];
  for (size_t word = 0; word < 2; ++word) {
    uint64_t nibbles;
    std::memcpy(&nibbles, block + 6 + 8 * word, 8);
    const uint64_t low_half = (nibbles & kLowNibbles) | kSpread[high[word]];
    const uint64_t high_half = ((nibbles >> 4) & kLowNibbles) | kSpread[high[word + 2]];
    std::memcpy(q + 8 * word, &low_half, 8);
    std::memcpy(q + 16 + 8 * word, &high_half, 8);
  }
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(q[i] - 16);
}

// d (half), 32 signed bytes.
void BlockQ8_0(const std::byte* block, float* __restrict out) {
  const float d = HalfAt(block);
  const auto* q = reinterpret_cast<const int8_t*>(block + 2);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(q[i]);
}

struct ScaleAndMin {
  float scale;
  float min;
};

// The j-th of eight 6-bit scales and minima: j < 4 whole in bytes j and j+4; the rest low bits in the nibbles
// of bytes 8..11, high bits on top of bytes 0..7.
ScaleAndMin UnpackScale(const uint8_t* s, int j) {
  if (j < 4) return {static_cast<float>(s[j] & 0x3f), static_cast<float>(s[j + 4] & 0x3f)};
  return {static_cast<float>((s[j + 4] & 0x0f) | ((s[j - 4] >> 2) & 0x30)),
          static_cast<float>((s[j + 4] >> 4) | ((s[j] >> 2) & 0x30))};
}

// d, dmin (halves), scales, 128 bytes: each 32 hold two runs of 32 elements, low nibbles first.
void BlockQ4_K(const std::byte* block, float* __restrict out) {
  const float d = HalfAt(block);
  const float dmin = HalfAt(block + 2);
  const uint8_t* scales = Unsigned(block + 4);
  const uint8_t* q = Unsigned(block + 4 + kScaleBytes);
  for (int j = 0; j < 8; j += 2, q += 32, out += 64) {
    const ScaleAndMin low = UnpackScale(scales, j);
    const ScaleAndMin high = UnpackScale(scales, j + 1);
    const float d_low = d * low.scale;
    const float d_high = d * high.scale;
    const float min_low = dmin * low.min;
    const float min_high = dmin * high.min;
    for (int i = 0; i < 32; ++i) out[i] = d_low * static_cast<float>(q[i] & 0x0f) - min_low;
    for (int i = 0; i < 32; ++i) out[i + 32] = d_high * static_cast<float>(q[i] >> 4) - min_high;
  }
}

// As Q4_K with 32 bytes of fifth bits before the nibbles: bit j of byte i belongs to element i of run j.
void BlockQ5_K(const std::byte* block, float* __restrict out) {
  const float d = HalfAt(block);
  const float dmin = HalfAt(block + 2);
  const uint8_t* scales = Unsigned(block + 4);
  const uint8_t* fifth = Unsigned(block + 4 + kScaleBytes);
  const uint8_t* q = fifth + 32;
  for (int j = 0; j < 8; ++j, out += 32) {
    const ScaleAndMin run = UnpackScale(scales, j);
    const float scale = d * run.scale;
    const float min = dmin * run.min;
    const int shift = (j & 1) * 4;
    for (int i = 0; i < 32; ++i) {
      const int low = (q[i] >> shift) & 0x0f;
      out[i] = scale * static_cast<float>(low | (((fifth[i] >> j) & 1) << 4)) - min;
    }
    if (j % 2 == 1) q += 32;
  }
}

// 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales of 16 elements each, d (half); biased
// by 32. Each half of the block (128 elements): runs 0, 1 are the low nibbles of 64 bytes, runs 2, 3 the high
// ones; run r takes bits 2r, 2r+1 of the 32 bytes of pairs.
void BlockQ6_K(const std::byte* block, float* __restrict out) {
  const uint8_t* low = Unsigned(block);
  const uint8_t* high = low + 128;
  const auto* scales = reinterpret_cast<const int8_t*>(block + 192);
  const float d = HalfAt(block + 208);
  for (int half = 0; half < 2; ++half, low += 64, high += 32) {
    for (int run = 0; run < 4; ++run, out += 32, scales += 2) {
      const uint8_t* nibbles = run % 2 == 0 ? low : low + 32;
      const int shift = (run >> 1) * 4;
      for (int part = 0; part < 2; ++part) {
        const float scale = d * static_cast<float>(scales[part]);
        for (int i = part * 16; i < part * 16 + 16; ++i) {
          const int q = ((nibbles[i] >> shift) & 0x0f) | (((high[i] >> (2 * run)) & 3) << 4);
          out[i] = scale * static_cast<float>(q - 32);
        }
      }
    }
  }
}

void HalfRun(const std::byte* in, int64_t n, float* __restrict out) {
  for (int64_t i = 0; i < n; ++i) out[i] = HalfAt(in + 2 * i);
}

void BFloat16Run(const std::byte* in, int64_t n, float* __restrict out) {
  for (int64_t i = 0; i < n; ++i) {
    uint16_t bits;
    std::memcpy(&bits, in + 2 * i, sizeof bits);
    out[i] = FloatFromBFloat16(bits);
  }
}

// To nearest, halves away from zero, as roundf, which would not vectorise. x·(1/d) is at most 127 and a
// little.
int32_t Rounded(float x) {
  const auto whole = static_cast<int32_t>(x);
  const float rest = x - static_cast<float>(whole);
  return whole + static_cast<int32_t>(rest >= 0.5f) - static_cast<int32_t>(rest <= -0.5f);
}

bool ToBlockQ8_0(const float* __restrict x, std::byte* __restrict block) {
  uint32_t largest = 0;  // bits of floats without their signs are in the order of the floats, NaN last
  for (int i = 0; i < kQ8Block; ++i) largest = std::max(largest, std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu);
  const float d = std::bit_cast<float>(largest) / 127.0f;
  const uint16_t half = Float16FromFloat(d);
  if ((half & 0x7c00u) == 0x7c00u) return false;
  // If it overflows, d is zero as a half.
  const float inverse = std::isfinite(1.0f / d) ? 1.0f / d : 0.0f;
  std::memcpy(block, &half, sizeof half);
  auto* q = reinterpret_cast<int8_t*>(block + sizeof half);
  for (int i = 0; i < kQ8Block; ++i) q[i] = static_cast<int8_t>(Rounded(x[i] * inverse));
  return true;
}

template <void (*kBlock)(const std::byte*, float* __restrict)>
void Blocks(const BlockTypeInfo& info, const std::byte* blocks, int64_t elements, float* out) {
  const int64_t count = elements / info.elements;
  for (int64_t b = 0; b < count; ++b) kBlock(blocks + b * info.bytes, out + b * info.elements);
}

constexpr std::array<BlockTypeInfo, 9> kTable = {{
    {BlockType::kF32, 0, "F32", 1, 4},
    {BlockType::kF16, 1, "F16", 1, 2},
    {BlockType::kBF16, 30, "BF16", 1, 2},
    {BlockType::kQ4_0, 2, "Q4_0", 32, 2 + 16},
    {BlockType::kQ5_0, 6, "Q5_0", 32, 2 + 4 + 16},
    {BlockType::kQ8_0, 8, "Q8_0", 32, 2 + 32},
    {BlockType::kQ4_K, 12, "Q4_K", kSuperBlock, 2 + 2 + kScaleBytes + 128},
    {BlockType::kQ5_K, 13, "Q5_K", kSuperBlock, 2 + 2 + kScaleBytes + 32 + 128},
    {BlockType::kQ6_K, 14, "Q6_K", kSuperBlock, 128 + 64 + 16 + 2},
}};

}  // namespace

std::span<const BlockTypeInfo> BlockTypes() {
  return kTable;
}

const BlockTypeInfo& Info(BlockType type) {
  return kTable.at(static_cast<size_t>(type));
}

std::optional<BlockType> BlockTypeFromGgmlId(uint32_t ggml_id) {
  for (const BlockTypeInfo& row : kTable) {
    if (row.ggml_id == ggml_id) return row.type;
  }
  return std::nullopt;
}

void Dequantize(BlockType type, const std::byte* blocks, int64_t elements, float* out) {
  const BlockTypeInfo& info = Info(type);
  GEMTUNE_CHECK(elements >= 0 && elements % info.elements == 0);
  switch (type) {
    case BlockType::kF32:
      if (elements > 0) std::memcpy(out, blocks, static_cast<size_t>(elements) * sizeof(float));
      return;
    case BlockType::kF16:
      return HalfRun(blocks, elements, out);
    case BlockType::kBF16:
      return BFloat16Run(blocks, elements, out);
    case BlockType::kQ4_0:
      return Blocks<BlockQ4_0>(info, blocks, elements, out);
    case BlockType::kQ5_0:
      return Blocks<BlockQ5_0>(info, blocks, elements, out);
    case BlockType::kQ8_0:
      return Blocks<BlockQ8_0>(info, blocks, elements, out);
    case BlockType::kQ4_K:
      return Blocks<BlockQ4_K>(info, blocks, elements, out);
    case BlockType::kQ5_K:
      return Blocks<BlockQ5_K>(info, blocks, elements, out);
    case BlockType::kQ6_K:
      return Blocks<BlockQ6_K>(info, blocks, elements, out);
  }
}

void DequantizeToBFloat16(BlockType type, const std::byte* blocks, int64_t elements, uint16_t* out) {
  const BlockTypeInfo& info = Info(type);
  GEMTUNE_CHECK(elements >= 0 && elements % info.elements == 0);
  if (type == BlockType::kBF16) {
    if (elements > 0) std::memcpy(out, blocks, static_cast<size_t>(elements) * sizeof(uint16_t));
    return;
  }
  constexpr int64_t kChunk = 4 * kSuperBlock;  // 4 KB of floats: stays in the first cache
  std::array<float, kChunk> chunk;
  for (int64_t done = 0; done < elements; done += kChunk) {
    const int64_t n = std::min(kChunk, elements - done);
    Dequantize(type, blocks + done / info.elements * info.bytes, n, chunk.data());
    for (int64_t i = 0; i < n; ++i) out[done + i] = BFloat16FromFloat(chunk[static_cast<size_t>(i)]);
  }
}

bool QuantizeToQ8_0(const float* values, int64_t elements, std::byte* blocks) {
  const BlockTypeInfo& info = Info(BlockType::kQ8_0);
  GEMTUNE_CHECK(elements >= 0 && elements % info.elements == 0);
  for (int64_t done = 0; done < elements; done += info.elements, blocks += info.bytes) {
    if (!ToBlockQ8_0(values + done, blocks)) return false;
  }
  return true;
}

int64_t RowBytes(BlockType type, int64_t columns) {
  const BlockTypeInfo& info = Info(type);
  GEMTUNE_CHECK(columns % info.elements == 0);
  return columns / info.elements * info.bytes;
}

void DequantizeRows(std::span<const BlockMatrix> pieces, int64_t begin, int64_t end, Floats out) {
  int64_t first = 0;  // row of the piece
  for (const BlockMatrix& piece : pieces) {
    const int64_t from = std::max(begin, first), to = std::min(end, first + piece.rows);
    if (from < to) {
      const std::byte* blocks = piece.blocks + (from - first) * RowBytes(piece.type, piece.columns);
      const int64_t elements = (to - from) * piece.columns;
      const Floats target = out + (from - begin) * piece.columns;
      if (out.is_bf16()) {
        DequantizeToBFloat16(piece.type, blocks, elements, &static_cast<BFloat16*>(target.data())->bits);
      } else {
        Dequantize(piece.type, blocks, elements, static_cast<float*>(target.data()));
      }
    }
    first += piece.rows;
  }
}

}  // namespace gemtune::kernels
