#include "gemtune/kernels/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gemtune/base/error.h"
#include "gemtune/base/float16.h"
#include "gemtune/kernels/k_quants.h"
#include "gemtune/kernels/put_half.h"

namespace gemtune::kernels {
namespace {

constexpr int kBlock = 32;  // elements of a Q4_0, Q5_0 or Q8_0 block

// 1 / d, or 0 if that overflows: d is then zero as a half.
float Inverse(float d) {
  const float inverse = 1.0f / d;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

// To nearest, halves away from zero, as roundf, which would not vectorise. x·(1/d) is at most 127 and a
// little.
int32_t Rounded(float x) {
  const auto whole = static_cast<int32_t>(x);
  const float rest = x - static_cast<float>(whole);
  return whole + static_cast<int32_t>(rest >= 0.5f) - static_cast<int32_t>(rest <= -0.5f);
}

bool ToBlockQ8_0(const float* __restrict x, std::byte* __restrict block) {
  const float d = LargestMagnitude(x, kBlock) / 127.0f;
  if (!PutHalf(d, block)) return false;
  const float inverse = Inverse(d);
  auto* q = reinterpret_cast<int8_t*>(block + 2);
  for (int i = 0; i < kBlock; ++i) q[i] = static_cast<int8_t>(Rounded(x[i] * inverse));
  return true;
}

// q of Q4_0 and Q5_0, which are biased by `kBias` and below twice that; false if d does not fit a half.
template <int kBias>
bool BiasedBlock(const float* __restrict x, std::byte* __restrict block, uint8_t* __restrict q) {
  if (!std::isfinite(LargestMagnitude(x, kBlock))) return false;
  float largest = 0;
  for (int i = 0; i < kBlock; ++i) largest = std::fabs(x[i]) > std::fabs(largest) ? x[i] : largest;
  const float d = largest / -static_cast<float>(kBias);
  if (!PutHalf(d, block)) return false;
  const float inverse = Inverse(d);
  for (int i = 0; i < kBlock; ++i) {
    const auto whole = static_cast<int32_t>(x[i] * inverse + (static_cast<float>(kBias) + 0.5f));
    q[i] = static_cast<uint8_t>(std::min(whole, 2 * kBias - 1));
  }
  return true;
}

bool ToBlockQ4_0(const float* __restrict x, std::byte* __restrict block) {
  uint8_t q[kBlock];
  if (!BiasedBlock<8>(x, block, q)) return false;
  for (int i = 0; i < 16; ++i) block[2 + i] = static_cast<std::byte>(q[i] | (q[i + 16] << 4));
  return true;
}

bool ToBlockQ5_0(const float* __restrict x, std::byte* __restrict block) {
  uint8_t q[kBlock];
  if (!BiasedBlock<16>(x, block, q)) return false;
  uint32_t fifth = 0;
  for (int i = 0; i < kBlock; ++i) fifth |= static_cast<uint32_t>(q[i] >> 4) << i;
  std::memcpy(block + 2, &fifth, sizeof fifth);
  for (int i = 0; i < 16; ++i) {
    block[6 + i] = static_cast<std::byte>((q[i] & 0x0f) | ((q[i + 16] & 0x0f) << 4));
  }
  return true;
}

bool ToF32(const float* __restrict x, std::byte* __restrict out) {
  std::memcpy(out, x, sizeof *x);
  return std::isfinite(*x);
}

bool ToF16(const float* __restrict x, std::byte* __restrict out) {
  return PutHalf(*x, out);
}

bool ToBF16(const float* __restrict x, std::byte* __restrict out) {
  const uint16_t bits = BFloat16FromFloat(*x);
  std::memcpy(out, &bits, sizeof bits);
  return (bits & 0x7f80u) != 0x7f80u;
}

using ToBlock = bool (*)(const float*, std::byte*);

// nullptr: not written.
ToBlock BlockFunction(BlockType type) {
  switch (type) {
    case BlockType::kF32:
      return ToF32;
    case BlockType::kF16:
      return ToF16;
    case BlockType::kBF16:
      return ToBF16;
    case BlockType::kQ4_0:
      return ToBlockQ4_0;
    case BlockType::kQ5_0:
      return ToBlockQ5_0;
    case BlockType::kQ8_0:
      return ToBlockQ8_0;
    case BlockType::kQ4_K:
      return ToBlockQ4_K;
    case BlockType::kQ6_K:
      return ToBlockQ6_K;
    case BlockType::kQ5_K:
      break;
  }
  return nullptr;
}

}  // namespace

bool Quantize(BlockType type, const float* values, int64_t elements, std::byte* blocks) {
  const BlockTypeInfo& info = Info(type);
  const ToBlock to_block = BlockFunction(type);
  GEMTUNE_CHECK(to_block != nullptr && elements >= 0 && elements % info.elements == 0);
  for (int64_t done = 0; done < elements; done += info.elements, blocks += info.bytes) {
    if (!to_block(values + done, blocks)) return false;
  }
  return true;
}

}  // namespace gemtune::kernels
