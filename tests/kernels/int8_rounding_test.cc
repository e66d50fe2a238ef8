#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "gemtune/kernels/int8_block.h"
#include "gemtune/kernels/int8_gemm.h"
#include "kernel_test.h"

namespace gemtune::kernels::internal {
namespace {

constexpr int64_t kDepth = 128, kGroup = 64, kWidth = 13, kPanel = 16;

// Multiples of a power of two up to 127 of them: each is exactly its byte times the scale.
float NumberOf(int8_t byte) {
  return 0.5f * static_cast<float>(byte);
}

// A matrix [rows, columns] whose every row and column has the largest byte in each group of 64.
std::vector<int8_t> Bytes(int64_t rows, int64_t columns) {
  std::vector<int8_t> bytes(static_cast<size_t>(rows * columns));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      bytes[static_cast<size_t>(i * columns + j)] =
          (i + j) % 13 == 0 ? 127 : static_cast<int8_t>((37 * i + 11 * j) % 255 - 127);
    }
  }
  return bytes;
}

template <typename T>
std::vector<T> Numbers(const std::vector<int8_t>& bytes) {
  std::vector<T> numbers(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    if constexpr (std::is_same_v<T, float>) {
      numbers[i] = NumberOf(bytes[i]);
    } else {
      numbers[i].bits = BFloat16FromFloat(NumberOf(bytes[i]));
    }
  }
  return numbers;
}

template <typename T>
void CheckRow(int64_t k) {
  const std::vector<int8_t> bytes = Bytes(1, k);
  const std::vector<T> x = Numbers<T>(bytes);
  std::vector<uint8_t> out(kDepth);
  std::vector<float> scales(kDepth / kGroup);
  PortableInt8Rounding(T()).quantize_row(k, kDepth, kGroup, x.data(), out.data(), scales.data());
  for (int64_t i = 0; i < kDepth; ++i)
    EXPECT_EQ(out[static_cast<size_t>(i)], i < k ? 128 + bytes[static_cast<size_t>(i)] : 128)
        << k << " " << i;
  EXPECT_EQ(scales, (std::vector<float>{0.5f, k > kGroup ? 0.5f : 0.0f}));
}

// B[i][j], packed with four rows side by side, is bytes[i, j]; its 128-fold sums over a group.
template <typename T>
void CheckPanel(bool from_columns, int64_t k) {
  const std::vector<int8_t> b = Bytes(k, kWidth);
  std::vector<int8_t> columns(b.size());
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < kWidth; ++j)
      columns[static_cast<size_t>(j * k + i)] = b[static_cast<size_t>(i * kWidth + j)];
  }
  const std::vector<T> w = Numbers<T>(from_columns ? columns : b);
  std::vector<int8_t> packed(kDepth * kPanel, 99);
  std::vector<float> scales(kPanel);
  std::vector<int32_t> sums(kDepth / kGroup * kPanel);
  const Int8Rounding<T> rounding = PortableInt8Rounding(T());
  (from_columns ? rounding.pack_columns : rounding.pack_rows)(
      k, kWidth, kGroup, w.data(), from_columns ? k : kWidth, packed.data(), scales.data(), sums.data());
  std::vector<int32_t> expected_sums(sums.size());
  for (int64_t i = 0; i < kDepth; ++i) {
    for (int64_t j = 0; j < kPanel; ++j) {
      const int byte = i < k && j < kWidth ? b[static_cast<size_t>(i * kWidth + j)] : 0;
      EXPECT_EQ(packed[static_cast<size_t>(i / 4 * 4 * kPanel + 4 * j + i % 4)], byte) << i << " " << j;
      expected_sums[static_cast<size_t>(i / kGroup * kPanel + j)] += 128 * byte;
    }
  }
  EXPECT_EQ(sums, expected_sums);
  for (int64_t j = 0; j < kPanel; ++j) EXPECT_EQ(scales[static_cast<size_t>(j)], j < kWidth ? 0.5f : 0.0f);
}

template <typename T>
void CheckAll() {
  for (const int64_t k : {40, 64, 100, 128}) {
    CheckRow<T>(k);
    for (const bool from_columns : {false, true}) CheckPanel<T>(from_columns, k <= kGroup ? k + 41 : k);
  }
}

TEST(PortableInt8Rounding, MakesBytesAndPanels) {
  OnEveryTarget([] {
    CheckAll<float>();
    CheckAll<BFloat16>();
  });
}

TEST(PortableInt8Rounding, NotANumberReachesTheScale) {
  OnEveryTarget([] {
    std::vector<float> x(64, 1.0f), scales(16);
    x[5] = std::nanf("");
    std::vector<uint8_t> out(64);
    PortableInt8Rounding(float()).quantize_row(64, 64, 64, x.data(), out.data(), scales.data());
    EXPECT_TRUE(std::isnan(scales[0]));
    x[5] = std::numeric_limits<float>::infinity();
    std::vector<int8_t> packed(64 * 16);
    std::vector<int32_t> sums(16);
    PortableInt8Rounding(float()).pack_rows(4, 16, 64, x.data(), 16, packed.data(), scales.data(),
                                            sums.data());
    EXPECT_FALSE(std::isfinite(scales[5]));
  });
}

}  // namespace
}  // namespace gemtune::kernels::internal
