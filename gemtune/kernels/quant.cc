#include "gemtune/kernels/quant.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/quant.cc"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "gemtune/base/error.h"
#include "gemtune/base/float16.h"
#include "gemtune/kernels/quant_blocks-inl.h"

#ifndef GEMTUNE_KERNELS_QUANT_SHARED_
#define GEMTUNE_KERNELS_QUANT_SHARED_
namespace gemtune::kernels::internal {

static_assert(std::endian::native == std::endian::little, "blocks are read in place");

inline constexpr int64_t kSuperBlock = 256;  // elements of a K-quant block

}  // namespace gemtune::kernels::internal
#endif  // GEMTUNE_KERNELS_QUANT_SHARED_

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

using internal::kSuperBlock;

float HalfAt(const std::byte* p) {
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return FloatFromFloat16(bits);
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

// Takes the floats of a block into memory.
struct Store {
  float* HWY_RESTRICT out;
  template <class D>
  HWY_INLINE void operator()(D d, int64_t i, hn::Vec<D> v) const {
    hn::StoreU(v, d, out + i);
  }
};

void ToFloats(const BlockTypeInfo& info, const std::byte* blocks, int64_t elements, float* out) {
  switch (info.type) {
    case BlockType::kF32:
      if (elements > 0) std::memcpy(out, blocks, static_cast<size_t>(elements) * sizeof(float));
      return;
    case BlockType::kF16:
      return HalfRun(blocks, elements, out);
    case BlockType::kBF16:
      return BFloat16Run(blocks, elements, out);
    default:
      break;
  }
  WithBlock(info.type, [&]<class Block>(Block) HWY_ATTR {
    for (const float* end = out + elements; out < end; blocks += Block::kBytes, out += Block::kElements) {
      Store store{out};
      Block::Expand(blocks, store);
    }
  });
}

void ToBFloats(const BlockTypeInfo& info, const std::byte* blocks, int64_t elements, uint16_t* out) {
  if (info.type == BlockType::kBF16) {
    if (elements > 0) std::memcpy(out, blocks, static_cast<size_t>(elements) * sizeof(uint16_t));
    return;
  }
  constexpr int64_t kChunk = 4 * kSuperBlock;  // 4 KB of floats: stays in the first cache
  std::array<float, kChunk> chunk;
  for (int64_t done = 0; done < elements; done += kChunk) {
    const int64_t n = std::min(kChunk, elements - done);
    ToFloats(info, blocks + done / info.elements * info.bytes, n, chunk.data());
    for (int64_t i = 0; i < n; ++i) out[done + i] = BFloat16FromFloat(chunk[static_cast<size_t>(i)]);
  }
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {
namespace {

using internal::kSuperBlock;

HWY_EXPORT(ToFloats);
HWY_EXPORT(ToBFloats);

constexpr std::array<BlockTypeInfo, 9> kTable = {{
    {BlockType::kF32, 0, "F32", 1, 4},
    {BlockType::kF16, 1, "F16", 1, 2},
    {BlockType::kBF16, 30, "BF16", 1, 2},
    {BlockType::kQ4_0, 2, "Q4_0", 32, 2 + 16},
    {BlockType::kQ5_0, 6, "Q5_0", 32, 2 + 4 + 16},
    {BlockType::kQ8_0, 8, "Q8_0", 32, 2 + 32},
    {BlockType::kQ4_K, 12, "Q4_K", kSuperBlock, 2 + 2 + 12 + 128},
    {BlockType::kQ5_K, 13, "Q5_K", kSuperBlock, 2 + 2 + 12 + 32 + 128},
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
  HWY_DYNAMIC_DISPATCH(ToFloats)(info, blocks, elements, out);
}

void DequantizeToBFloat16(BlockType type, const std::byte* blocks, int64_t elements, uint16_t* out) {
  const BlockTypeInfo& info = Info(type);
  GEMTUNE_CHECK(elements >= 0 && elements % info.elements == 0);
  HWY_DYNAMIC_DISPATCH(ToBFloats)(info, blocks, elements, out);
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
#endif  // HWY_ONCE
