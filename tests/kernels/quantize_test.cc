#include "gemtune/kernels/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "gemtune/base/file.h"

namespace gemtune::kernels {
namespace {

constexpr BlockType kWritten[] = {BlockType::kF32,  BlockType::kF16,  BlockType::kBF16, BlockType::kQ4_0,
                                  BlockType::kQ5_0, BlockType::kQ8_0, BlockType::kQ4_K, BlockType::kQ6_K};

// The blocks of `values`, and a byte behind them that has to stay.
std::vector<std::byte> BlocksOf(BlockType type, const std::vector<float>& values) {
  const BlockTypeInfo& info = Info(type);
  std::vector<std::byte> blocks(values.size() / info.elements * info.bytes + 1, std::byte{7});
  EXPECT_TRUE(Quantize(type, values.data(), std::ssize(values), blocks.data())) << info.name;
  EXPECT_EQ(blocks.back(), std::byte{7}) << info.name;
  blocks.pop_back();
  return blocks;
}

struct Golden {
  std::vector<float> values;
  std::vector<std::pair<const BlockTypeInfo*, std::string>> blocks;
};

// What llama.cpp made of numbers of every size; see golden/generate_quantize.py.
Golden ReadGolden() {
  const std::string file = ReadFile(GEMTUNE_SOURCE_DIR "/tests/kernels/golden/quantize.bin");
  int64_t super_blocks;
  std::memcpy(&super_blocks, file.data(), sizeof super_blocks);
  Golden golden{.values = std::vector<float>(static_cast<size_t>(super_blocks) * 256), .blocks = {}};
  const size_t bytes = golden.values.size() * sizeof(float);
  std::memcpy(golden.values.data(), file.data() + sizeof super_blocks, bytes);
  for (size_t at = sizeof super_blocks + bytes; at < file.size();) {
    const std::string_view name(file.c_str() + at);
    const auto info = std::ranges::find(BlockTypes(), name, &BlockTypeInfo::name);
    const size_t size = golden.values.size() / info->elements * info->bytes;
    golden.blocks.emplace_back(&*info, file.substr(at + 8, size));
    at += 8 + size;
  }
  return golden;
}

TEST(Quantize, MakesLlamaCppsBlocks) {
  const Golden golden = ReadGolden();
  ASSERT_EQ(golden.blocks.size(), 5u);
  for (const auto& [info, expected] : golden.blocks) {
    const std::vector<std::byte> blocks = BlocksOf(info->type, golden.values);
    ASSERT_EQ(blocks.size(), expected.size());
    for (size_t at = 0; at < blocks.size(); at += info->bytes) {
      ASSERT_EQ(std::memcmp(blocks.data() + at, expected.data() + at, info->bytes), 0)
          << info->name << " block " << at / info->bytes;
    }
  }
}

// What gguf.quants.quantize made of numbers of every size; see golden/generate_quant.py.
TEST(Quantize, MakesTheQ8_0BlocksOfTheGgufPackage) {
  const std::string file = ReadFile(GEMTUNE_SOURCE_DIR "/tests/kernels/golden/q8_0.bin");
  int64_t count;
  std::memcpy(&count, file.data(), sizeof count);
  ASSERT_EQ(file.size(), sizeof count + static_cast<size_t>(count) * (32 * sizeof(float) + 34));
  std::vector<float> values(static_cast<size_t>(count) * 32);
  std::memcpy(values.data(), file.data() + sizeof count, values.size() * sizeof(float));
  const std::string expected = file.substr(sizeof count + values.size() * sizeof(float));
  const std::vector<std::byte> blocks = BlocksOf(BlockType::kQ8_0, values);
  for (int64_t b = 0; b < count; ++b) {
    ASSERT_EQ(std::memcmp(blocks.data() + b * 34, expected.data() + b * 34, 34), 0) << "block " << b;
  }

  // Half a step of q, and what is lost of d: 2^-11 of it, or half a subnormal's unit, at most 127 times.
  std::vector<float> back(values.size());
  Dequantize(BlockType::kQ8_0, blocks.data(), count * 32, back.data());
  for (size_t block = 0; block < back.size(); block += 32) {
    float largest = 0;
    for (size_t i = block; i < block + 32; ++i) largest = std::max(largest, std::fabs(values[i]));
    const float d = largest / 127, bound = 0.5f * d + 127 * std::max(d * 0x1p-11f, 0x1p-25f);
    for (size_t i = block; i < block + 32; ++i) EXPECT_LE(std::fabs(back[i] - values[i]), bound * 1.0001f);
  }
}

// Blocks back from the numbers that they stand for: nothing is lost a second time.
TEST(Quantize, PlainNumbersComeBackRoundedOnce) {
  const std::vector<float> values = {0.0f, -0.0f, 1.0f, -65504.0f, 1 + 0x1p-9f, 0x1p-24f, 0x1p-30f, 0.1f};
  std::vector<float> back(values.size());
  for (const BlockType type : {BlockType::kF32, BlockType::kF16, BlockType::kBF16}) {
    Dequantize(type, BlocksOf(type, values).data(), std::ssize(values), back.data());
    const std::vector<float> once = back;
    Dequantize(type, BlocksOf(type, back).data(), std::ssize(values), back.data());
    EXPECT_EQ(back, once);
    if (type == BlockType::kF32) {
      EXPECT_EQ(back, values);
    } else {
      EXPECT_EQ(back[4], type == BlockType::kF16 ? 1 + 0x1p-9f : 1.0f);
      EXPECT_EQ(back[6], type == BlockType::kF16 ? 0.0f : 0x1p-30f);
    }
  }
}

TEST(Quantize, NumbersThatNoBlockHoldsAreSaid) {
  using Limits = std::numeric_limits<float>;
  std::vector<std::byte> blocks(4 * 512);
  for (const BlockType type : kWritten) {
    const BlockTypeInfo& info = Info(type);
    for (const float bad : {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}) {
      for (const size_t at : {256, 301, 511}) {
        std::vector<float> values(512, 1.0f);
        values[at] = bad;
        values[at == 511 ? 510 : at + 1] = 2.0f;
        EXPECT_FALSE(Quantize(type, values.data(), 512, blocks.data())) << info.name << " " << bad << at;
        EXPECT_TRUE(Quantize(type, values.data(), 256, blocks.data())) << info.name;
      }
    }
    std::vector<float> large(256, 0.0f);
    large[100] = -1e30f;
    const bool holds = type == BlockType::kF32 || type == BlockType::kBF16;
    EXPECT_EQ(Quantize(type, large.data(), 256, blocks.data()), holds) << info.name;
    const std::vector<float> tiny(256, Limits::denorm_min());
    EXPECT_TRUE(Quantize(type, tiny.data(), 256, blocks.data())) << info.name;
    EXPECT_TRUE(Quantize(type, nullptr, 0, nullptr)) << info.name;
  }
  const std::vector<float> limit(32, 127 * 65520.0f);
  EXPECT_FALSE(Quantize(BlockType::kQ8_0, limit.data(), 32, blocks.data()));
  const float above = Limits::max();
  EXPECT_FALSE(Quantize(BlockType::kBF16, &above, 1, blocks.data()));  // rounds to infinity
}

TEST(Quantize, PartsOfBlocksAndTypesNotWrittenAreBugs) {
  const std::vector<float> values(256);
  std::vector<std::byte> blocks(4 * 256);
  for (const BlockType type : kWritten) {
    if (Info(type).elements == 1) continue;
    EXPECT_THROW(Quantize(type, values.data(), 255, blocks.data()), std::logic_error);
  }
  EXPECT_THROW(Quantize(BlockType::kQ5_K, values.data(), 256, blocks.data()), std::logic_error);
}

}  // namespace
}  // namespace gemtune::kernels
