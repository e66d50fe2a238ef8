#include "gemtune/kernels/quant.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "gemtune/base/file.h"
#include "gemtune/base/float16.h"
#include "kernel_test.h"
#include "tests/support/random_blocks.h"

namespace gemtune::kernels {
namespace {

// What gguf.quants.dequantize made of random blocks; see golden/generate_quant.py.
struct Golden {
  std::string name;
  std::vector<std::byte> blocks;
  std::vector<float> floats;
  std::vector<uint16_t> bfloats;
};

std::vector<Golden> ReadGolden() {
  const std::string file = ReadFile(GEMTUNE_SOURCE_DIR "/tests/kernels/golden/quant.bin");
  size_t at = 0;
  const auto take = [&](void* to, size_t bytes) {
    if (bytes > file.size() - at) throw std::runtime_error("quant.bin is cut short");
    std::memcpy(to, file.data() + at, bytes);
    at += bytes;
  };
  std::vector<Golden> all;
  while (at < file.size()) {
    char name[8];
    int64_t sizes[2];
    take(name, sizeof name);
    take(sizes, sizeof sizes);
    const auto elements = static_cast<size_t>(sizes[0]);
    Golden golden{name, std::vector<std::byte>(static_cast<size_t>(sizes[1])), std::vector<float>(elements),
                  std::vector<uint16_t>(elements)};
    take(golden.blocks.data(), golden.blocks.size());
    take(golden.floats.data(), elements * sizeof(float));
    take(golden.bfloats.data(), elements * sizeof(uint16_t));
    all.push_back(std::move(golden));
  }
  return all;
}

const BlockTypeInfo& ByName(const std::string& name) {
  for (const BlockTypeInfo& info : BlockTypes()) {
    if (info.name == name) return info;
  }
  throw std::runtime_error("no type " + name);
}

template <typename T>
std::vector<uint8_t> Bits(const std::vector<T>& values) {
  std::vector<uint8_t> bits(values.size() * sizeof(T));
  std::memcpy(bits.data(), values.data(), bits.size());
  return bits;
}

TEST(Quant, EqualsTheGgufPackageBitwise) {
  const std::vector<Golden> all = ReadGolden();
  ASSERT_EQ(all.size(), BlockTypes().size());
  for (const Golden& golden : all) {
    const BlockTypeInfo& info = ByName(golden.name);
    const auto elements = static_cast<int64_t>(golden.floats.size());
    ASSERT_EQ(elements / info.elements * info.bytes, static_cast<int64_t>(golden.blocks.size()));
    OnEveryTarget([&] {
      std::vector<float> floats(golden.floats.size());
      Dequantize(info.type, golden.blocks.data(), elements, floats.data());
      EXPECT_EQ(Bits(floats), Bits(golden.floats)) << golden.name;
      std::vector<uint16_t> bfloats(golden.floats.size());
      DequantizeToBFloat16(info.type, golden.blocks.data(), elements, bfloats.data());
      EXPECT_EQ(bfloats, golden.bfloats) << golden.name;
    });
  }
}

// More blocks than DequantizeToBFloat16 takes at once, at an odd address, every block as if alone; nothing
// written past the end.
TEST(Quant, BlocksAreIndependentOfNumberAndAddress) {
  for (const Golden& golden : ReadGolden()) {
    const BlockTypeInfo& info = ByName(golden.name);
    const int64_t period = static_cast<int64_t>(golden.floats.size()) / info.elements;
    for (const int64_t count : {int64_t{0}, int64_t{1}, period, 2500 / info.elements + 1}) {
      std::vector<std::byte> blocks(static_cast<size_t>(count * info.bytes) + 1);
      const int64_t elements = count * info.elements;
      std::vector<float> floats(static_cast<size_t>(elements) + 1, -7.0f);
      std::vector<uint16_t> bfloats(static_cast<size_t>(elements) + 1, 7);
      for (int64_t b = 0; b < count; ++b) {
        std::memcpy(blocks.data() + 1 + b * info.bytes, golden.blocks.data() + b % period * info.bytes,
                    static_cast<size_t>(info.bytes));
      }
      Dequantize(info.type, blocks.data() + 1, elements, floats.data());
      DequantizeToBFloat16(info.type, blocks.data() + 1, elements, bfloats.data());
      for (size_t i = 0; i < static_cast<size_t>(elements); ++i) {
        ASSERT_EQ(floats[i], golden.floats[i % golden.floats.size()]) << golden.name << " " << i;
        ASSERT_EQ(bfloats[i], golden.bfloats[i % golden.floats.size()]) << golden.name << " " << i;
      }
      EXPECT_EQ(floats.back(), -7.0f);
      EXPECT_EQ(bfloats.back(), 7);
    }
  }
}

TEST(Quant, TableIsInTheOrderOfTheEnumAndInvertible) {
  std::set<uint32_t> ids;
  for (size_t i = 0; i < BlockTypes().size(); ++i) {
    const BlockTypeInfo& info = BlockTypes()[i];
    EXPECT_EQ(static_cast<size_t>(info.type), i);
    EXPECT_EQ(&Info(info.type), &info);
    EXPECT_EQ(BlockTypeFromGgmlId(info.ggml_id), info.type);
    ids.insert(info.ggml_id);
  }
  EXPECT_EQ(ids.size(), BlockTypes().size());
  EXPECT_EQ(BlockTypeFromGgmlId(10), std::nullopt);  // Q2_K
}

TEST(Quant, PartOfABlockIsABug) {
  std::vector<std::byte> blocks(210);
  std::vector<float> out(256);
  EXPECT_THROW(Dequantize(BlockType::kQ6_K, blocks.data(), 255, out.data()), std::logic_error);
}

// Within a piece, over the boundary of two, and nothing.
TEST(Quant, RowsOfStackedMatricesAreTheRowsOfEach) {
  const int64_t columns = 256;
  const auto first = test::RandomBlocks(BlockType::kQ4_K, 5, columns, 1),
             second = test::RandomBlocks(BlockType::kQ8_0, 4, columns, 2);
  const BlockMatrix pieces[] = {{BlockType::kQ4_K, first.data(), 5, columns},
                                {BlockType::kQ8_0, second.data(), 4, columns}};
  EXPECT_EQ(RowBytes(BlockType::kQ4_K, columns), 144);
  std::vector<float> all(9 * columns);
  Dequantize(BlockType::kQ4_K, first.data(), 5 * columns, all.data());
  Dequantize(BlockType::kQ8_0, second.data(), 4 * columns, all.data() + 5 * columns);
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{1, 4}, {3, 8}, {6, 9}, {0, 9}, {4, 4}}) {
    std::vector<float> floats((end - begin) * columns + 1, 7.0f);
    std::vector<BFloat16> bfloats(floats.size());
    DequantizeRows(pieces, begin, end, floats.data());
    DequantizeRows(pieces, begin, end, bfloats.data());
    for (size_t i = 0; i + 1 < floats.size(); ++i) {
      ASSERT_EQ(floats[i], all[begin * columns + i]);
      ASSERT_EQ(bfloats[i].bits, BFloat16FromFloat(floats[i]));
    }
    EXPECT_EQ(floats.back(), 7.0f);
  }
}

}  // namespace
}  // namespace gemtune::kernels
