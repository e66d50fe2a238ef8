// The blocks of GGUF's quantised types as floats: their layouts (ggml-common.h) and equations, see quant.h.
// Included once per target, see simd-inl.h.
#if defined(GEMTUNE_KERNELS_QUANT_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMTUNE_KERNELS_QUANT_BLOCKS_INL_H_
#undef GEMTUNE_KERNELS_QUANT_BLOCKS_INL_H_
#else
#define GEMTUNE_KERNELS_QUANT_BLOCKS_INL_H_
#endif

#include "gemtune/kernels/bytes-inl.h"
#include "gemtune/kernels/quant.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

// Each Expand(block, sink) gives the sink its block's floats in ascending order, see Emit. kElements and
// kBytes are those of BlockTypeInfo, where the compiler knows them.

// d (half), 16 bytes: low nibbles are elements 0..15, high nibbles 16..31; biased by 8.
struct BlockQ4_0 {
  static constexpr int64_t kElements = 32, kBytes = 18;

  template <class Sink>
  HWY_INLINE static void Expand(const std::byte* block, Sink& sink) {
    const Times scaled{ScaleAt(block)};
    const Bytes q = Load(block + 2);
    Emit(0, Unbiased(LowNibbles(q), 8), scaled, sink);
    Emit(16, Unbiased(HighNibbles(q), 8), scaled, sink);
  }
};

// d (half), 32 fifth bits, then as Q4_0; biased by 16.
struct BlockQ5_0 {
  static constexpr int64_t kElements = 32, kBytes = 22;

  template <class Sink>
  HWY_INLINE static void Expand(const std::byte* block, Sink& sink) {
    const Times scaled{ScaleAt(block)};
    const Bytes q = Load(block + 6);
    // Without its fifth bit the number is 16 less, which is its bias.
    Emit(0, Difference(LowNibbles(q), WhereNoBit(block + 2, 16)), scaled, sink);
    Emit(16, Difference(HighNibbles(q), WhereNoBit(block + 4, 16)), scaled, sink);
  }
};

// d (half), 32 signed bytes.
struct BlockQ8_0 {
  static constexpr int64_t kElements = 32, kBytes = 34;

  template <class Sink>
  HWY_INLINE static void Expand(const std::byte* block, Sink& sink) {
    const Times scaled{ScaleAt(block)};
    Emit(0, Unbiased(Load(block + 2), 0), scaled, sink);
    Emit(16, Unbiased(Load(block + 18), 0), scaled, sink);
  }
};

// The j-th of eight 6-bit scales and minima times d and dmin: j < 4 whole in bytes j and j+4; the rest low
// bits in the nibbles of bytes 8..11, high bits on top of bytes 0..7.
HWY_INLINE TimesMinus UnpackScale(const std::byte* scales, int j, float d, float dmin) {
  const auto* s = reinterpret_cast<const uint8_t*>(scales);
  if (j < 4) return {d * static_cast<float>(s[j] & 0x3f), dmin * static_cast<float>(s[j + 4] & 0x3f)};
  return {d * static_cast<float>((s[j + 4] & 0x0f) | ((s[j - 4] >> 2) & 0x30)),
          dmin * static_cast<float>((s[j + 4] >> 4) | ((s[j] >> 2) & 0x30))};
}

// d, dmin (halves), 12 bytes of scales, 128 bytes: each 32 hold two runs of 32 elements, low nibbles first.
struct BlockQ4_K {
  static constexpr int64_t kElements = 256, kBytes = 144;

  template <class Sink>
  HWY_INLINE static void Expand(const std::byte* block, Sink& sink) {
    const float d = ScaleAt(block), dmin = ScaleAt(block + 2);
    const std::byte* q = block + 16;
    for (int j = 0; j < 8; j += 2, q += 32) {
      const TimesMinus low = UnpackScale(block + 4, j, d, dmin),
                       high = UnpackScale(block + 4, j + 1, d, dmin);
      const Bytes first = Load(q), second = Load(q + 16);
      Emit(32 * j, Unbiased(LowNibbles(first), 0), low, sink);
      Emit(32 * j + 16, Unbiased(LowNibbles(second), 0), low, sink);
      Emit(32 * j + 32, Unbiased(HighNibbles(first), 0), high, sink);
      Emit(32 * j + 48, Unbiased(HighNibbles(second), 0), high, sink);
    }
  }
};

// As Q4_K with 32 bytes of fifth bits before the nibbles: bit j of byte i belongs to element i of run j.
struct BlockQ5_K {
  static constexpr int64_t kElements = 256, kBytes = 176;

  template <class Sink>
  HWY_INLINE static void Expand(const std::byte* block, Sink& sink) {
    const float d = ScaleAt(block), dmin = ScaleAt(block + 2);
    const std::byte* q = block + 48;
    const Bytes fifth[] = {Load(block + 16), Load(block + 32)};
    for (int j = 0; j < 8; ++j) {
      const TimesMinus run = UnpackScale(block + 4, j, d, dmin);
      for (int part = 0; part < 2; ++part) {
        const Bytes bytes = Load(q + 32 * (j / 2) + 16 * part);
        const Bytes high = WhereTested(fifth[part], static_cast<uint8_t>(1 << j), 0x10);
        Emit(32 * j + 16 * part,
             Unbiased(United(j % 2 == 0 ? LowNibbles(bytes) : HighNibbles(bytes), high), 0), run, sink);
      }
    }
  }
};

// 128 bytes of low nibbles, 64 of high bit pairs, 16 signed scales of 16 elements each, d (half); biased
// by 32. Each half of the block (128 elements): runs 0, 1 are the low nibbles of 64 bytes, runs 2, 3 the high
// ones; run r takes bits 2r, 2r+1 of the 32 bytes of pairs.
struct BlockQ6_K {
  static constexpr int64_t kElements = 256, kBytes = 210;

  template <class Sink>
  HWY_INLINE static void Expand(const std::byte* block, Sink& sink) {
    const auto* scales = reinterpret_cast<const int8_t*>(block + 192);
    const float d = ScaleAt(block + 208);
    for (int half = 0; half < 2; ++half) {
      const std::byte *low = block + 64 * half, *high = block + 128 + 32 * half;
      const auto emit = [&](int run, int part, Bytes nibbles, Bytes pairs) HWY_ATTR {
        const int index = 8 * half + 2 * run + part;
        Emit(16 * index, Unbiased(United(nibbles, ShiftedLeft<4>(Masked(pairs, 3))), 32),
             Times{d * static_cast<float>(scales[index])}, sink);
      };
      for (int part = 0; part < 2; ++part)
        emit(0, part, LowNibbles(Load(low + 16 * part)), Load(high + 16 * part));
      for (int part = 0; part < 2; ++part)
        emit(1, part, LowNibbles(Load(low + 32 + 16 * part)), ShiftedRight<2>(Load(high + 16 * part)));
      for (int part = 0; part < 2; ++part)
        emit(2, part, HighNibbles(Load(low + 16 * part)), ShiftedRight<4>(Load(high + 16 * part)));
      for (int part = 0; part < 2; ++part)
        emit(3, part, HighNibbles(Load(low + 32 + 16 * part)), ShiftedRight<6>(Load(high + 16 * part)));
    }
  }
};

// Calls body(Block()) for the struct of a type; not for those of plain numbers.
template <class Body>
HWY_INLINE void WithBlock(BlockType type, const Body& body) {
  switch (type) {
    case BlockType::kQ4_0:
      return body(BlockQ4_0());
    case BlockType::kQ5_0:
      return body(BlockQ5_0());
    case BlockType::kQ8_0:
      return body(BlockQ8_0());
    case BlockType::kQ4_K:
      return body(BlockQ4_K());
    case BlockType::kQ5_K:
      return body(BlockQ5_K());
    case BlockType::kQ6_K:
      return body(BlockQ6_K());
    case BlockType::kF32:
    case BlockType::kF16:
    case BlockType::kBF16:
      return;
  }
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GEMTUNE_KERNELS_QUANT_BLOCKS_INL_H_
