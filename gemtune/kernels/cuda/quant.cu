#include "gemtune/kernels/cuda/device.h"

namespace gemtune::kernels::cuda {
namespace {

constexpr int kThreads = 256;

__device__ float HalfAt(const uint8_t* p) {
  return FloatFromFloat16(static_cast<uint16_t>(p[0] | p[1] << 8));
}
__device__ float Nibble(const uint8_t* q, int64_t i, bool is_high) {
  return static_cast<float>(is_high ? q[i] >> 4 : q[i] & 0x0f);
}
__device__ int SignedByte(uint8_t bits) {
  return bits < 128 ? bits : bits - 256;
}

// The layouts are explained in quant_blocks-inl.h. At(block, i) is number i of a block; roundings as there.

struct F32 {
  static constexpr int64_t kElements = 1, kBytes = 4;
  __device__ static float At(const uint8_t* block, int64_t) {
    const uint32_t bits = block[0] | block[1] << 8 | block[2] << 16 | static_cast<uint32_t>(block[3]) << 24;
    return std::bit_cast<float>(bits);
  }
};
struct F16 {
  static constexpr int64_t kElements = 1, kBytes = 2;
  __device__ static float At(const uint8_t* block, int64_t) { return HalfAt(block); }
};
struct BF16 {
  static constexpr int64_t kElements = 1, kBytes = 2;
  __device__ static float At(const uint8_t* block, int64_t) {
    return FloatFromBFloat16(static_cast<uint16_t>(block[0] | block[1] << 8));
  }
};
struct Q4_0 {
  static constexpr int64_t kElements = 32, kBytes = 18;
  __device__ static float At(const uint8_t* block, int64_t i) {
    return __fmul_rn(HalfAt(block), Nibble(block + 2, i % 16, i >= 16) - 8.0f);
  }
};
struct Q5_0 {
  static constexpr int64_t kElements = 32, kBytes = 22;
  __device__ static float At(const uint8_t* block, int64_t i) {
    const int fifth = block[2 + i / 8] >> i % 8 & 1;
    return __fmul_rn(HalfAt(block), Nibble(block + 6, i % 16, i >= 16) + static_cast<float>(16 * fifth - 16));
  }
};
struct Q8_0 {
  static constexpr int64_t kElements = 32, kBytes = 34;
  __device__ static float At(const uint8_t* block, int64_t i) {
    return __fmul_rn(HalfAt(block), static_cast<float>(SignedByte(block[2 + i])));
  }
};

// (d · sc) · q − (dmin · m), sc and m the j-th of eight pairs of 6 bits.
__device__ float Scaled(const uint8_t* block, int j, float q) {
  const uint8_t* s = block + 4;
  const int scale = j < 4 ? s[j] & 0x3f : (s[j + 4] & 0x0f) | (s[j - 4] >> 2 & 0x30);
  const int min = j < 4 ? s[j + 4] & 0x3f : s[j + 4] >> 4 | (s[j] >> 2 & 0x30);
  const float d = __fmul_rn(HalfAt(block), static_cast<float>(scale)),
              m = __fmul_rn(HalfAt(block + 2), static_cast<float>(min));
  return __fsub_rn(__fmul_rn(d, q), m);
}
struct Q4_K {
  static constexpr int64_t kElements = 256, kBytes = 144;
  __device__ static float At(const uint8_t* block, int64_t i) {
    const int j = static_cast<int>(i / 32);
    return Scaled(block, j, Nibble(block + 16 + 32 * (j / 2), i % 32, j % 2 == 1));
  }
};
struct Q5_K {
  static constexpr int64_t kElements = 256, kBytes = 176;
  __device__ static float At(const uint8_t* block, int64_t i) {
    const int j = static_cast<int>(i / 32);
    const int fifth = block[16 + i % 32] >> j & 1;
    return Scaled(block, j,
                  Nibble(block + 48 + 32 * (j / 2), i % 32, j % 2 == 1) + static_cast<float>(16 * fifth));
  }
};
struct Q6_K {
  static constexpr int64_t kElements = 256, kBytes = 210;
  __device__ static float At(const uint8_t* block, int64_t i) {
    const int64_t half = i / 128, run = i % 128 / 32, at = i % 32;
    const float low = Nibble(block + 64 * half + 32 * (run % 2), at, run >= 2);
    const int pair = block[128 + 32 * half + at] >> 2 * run & 3;
    const float d = __fmul_rn(HalfAt(block + 208), static_cast<float>(SignedByte(block[192 + i / 16])));
    return __fmul_rn(d, low + static_cast<float>(16 * pair - 32));
  }
};

// A thread a number; a block of threads in y would gain nothing, what is read is an eighth of what is
// written.
template <typename Block, typename T>
__global__ void Expand(int64_t columns, int64_t numbers, const uint8_t* blocks, const int64_t* ids, T* out) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (index >= numbers) return;
  const int64_t place = index / columns, row = ids == nullptr ? place : ids[place];
  const int64_t number = row * columns + index % columns;
  Put(Block::At(blocks + number / Block::kElements * Block::kBytes, number % Block::kElements), out[index]);
}

template <typename Body>
void WithBlock(BlockType type, const Body& body) {
  switch (type) {
    case BlockType::kF32:
      return body(F32());
    case BlockType::kF16:
      return body(F16());
    case BlockType::kBF16:
      return body(BF16());
    case BlockType::kQ4_0:
      return body(Q4_0());
    case BlockType::kQ5_0:
      return body(Q5_0());
    case BlockType::kQ8_0:
      return body(Q8_0());
    case BlockType::kQ4_K:
      return body(Q4_K());
    case BlockType::kQ5_K:
      return body(Q5_K());
    case BlockType::kQ6_K:
      return body(Q6_K());
  }
}

}  // namespace

void DequantizeRows(BlockType type, const std::byte* blocks, int64_t columns, int64_t rows,
                    const int64_t* ids, Floats out, Stream stream) {
  WithBlock(type, [&]<typename Block>(Block) {
    WithTypeOf(
        [&]<typename T>(T) {
          Launch(&Expand<Block, T>, {CeilDiv(rows * columns, kThreads), kThreads}, stream, columns,
                 rows * columns, reinterpret_cast<const uint8_t*>(blocks), ids, As<T>(out));
        },
        out);
  });
}

}  // namespace gemtune::kernels::cuda
