#include "gemtune/kernels/gemv.h"

#include <cstring>
#include <string>

#include "gemtune/base/parallel.h"
#include "kernel_test.h"
#include "tests/support/random_blocks.h"

namespace gemtune::kernels {
namespace {

// W [rows, columns] in blocks, and its numbers.
struct Weight {
  Weight(BlockType type, int64_t rows, int64_t columns, unsigned seed)
      : bytes(test::RandomBlocks(type, rows, columns, seed)),
        numbers(static_cast<size_t>(rows * columns)),
        matrix{type, bytes.data(), rows, columns} {
    Dequantize(type, bytes.data(), rows * columns, numbers.data());
  }

  std::vector<std::byte> bytes;
  std::vector<float> numbers;
  BlockMatrix matrix;
};

// x·Wᵀ for a W of one type, the rows of x and y further apart than they are long.
void Check(BlockType type, bool is_bf16, int64_t rows, int64_t out, int64_t columns) {
  std::mt19937 random(static_cast<unsigned>(rows * out + columns));
  const Weight w(type, out, columns, 1);
  const int64_t x_stride = columns + 3, y_stride = out + 5;
  const Operand x = Operand::Random(is_bf16, static_cast<size_t>(rows * x_stride), random);
  Operand y(is_bf16, static_cast<size_t>(rows * y_stride));
  for (size_t i = 0; i < y.size(); ++i) y.Set(i, 0.5f);
  const GemvTerm term{x.in(), x_stride, std::span(&w.matrix, 1)};
  Gemv(rows, out, std::span(&term, 1), y.out(), y_stride);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t o = 0; o < y_stride; ++o) {
      double expected = o < out ? 0.0 : 0.5, terms = 0.0;
      for (int64_t i = 0; i < columns && o < out; ++i) {
        const double product = x[static_cast<size_t>(r * x_stride + i)] *
                               double{w.numbers[static_cast<size_t>(o * columns + i)]};
        expected += product;
        terms += std::abs(product);
      }
      const double rounding = is_bf16 ? std::abs(expected) / 256 : 0;
      ASSERT_NEAR(y[static_cast<size_t>(r * y_stride + o)], expected, rounding + 1e-6 * terms)
          << Info(type).name << " " << rows << " rows, " << columns << " to " << out << " at " << r << ", "
          << o;
    }
  }
}

// Tiles of 8 rows of W, groups of 3 and 32 rows of x, pieces of 512 columns, and one more or less.
TEST(Gemv, EqualsAPlainLoop) {
  OnEveryTarget([] {
    for (const BlockTypeInfo& info : BlockTypes()) {
      for (const bool is_bf16 : {false, true}) {
        for (const int64_t rows : {1, 2, 3, 4, 35}) {
          for (const int64_t out : {1, 8, 17}) {
            if (rows > 4 && out < 17) continue;  // nothing new, and slow
            if (info.elements == 1) {
              for (const int64_t columns : {1, 15, 16, 33, 512, 525}) {
                Check(info.type, is_bf16, rows, out, columns);
              }
            } else {
              for (const int64_t columns : {info.elements, 512 + info.elements}) {
                Check(info.type, is_bf16, rows, out, columns);
              }
            }
          }
        }
      }
    }
  });
}

// An adapter's product and pieces of different types; a tile may lie on both sides of a border.
TEST(Gemv, AddsTermsAndStacksPieces) {
  std::mt19937 random(5);
  const int64_t rows = 3, columns = 256, rank = 5, out = 9 + 20 + 4;
  const Weight first(BlockType::kQ4_K, 9, columns, 1), second(BlockType::kQ8_0, 20, columns, 2),
      third(BlockType::kF16, 4, columns, 3), b(BlockType::kF32, out, rank, 4);
  const BlockMatrix stacked[] = {first.matrix, second.matrix, third.matrix};
  const Operand x = Operand::Random(false, rows * columns, random),
                u = Operand::Random(false, rows * rank, random);
  Operand y(false, rows * out);
  const GemvTerm terms[] = {{x.in(), columns, stacked}, {u.in(), rank, std::span(&b.matrix, 1)}};
  Gemv(rows, out, terms, y.out(), out);
  std::vector<float> w = first.numbers;
  w.insert(w.end(), second.numbers.begin(), second.numbers.end());
  w.insert(w.end(), third.numbers.begin(), third.numbers.end());
  std::vector<double> expected(rows * out);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t o = 0; o < out; ++o) {
      for (int64_t i = 0; i < columns; ++i) expected[r * out + o] += x[r * columns + i] * w[o * columns + i];
      for (int64_t i = 0; i < rank; ++i) expected[r * out + o] += u[r * rank + i] * b.numbers[o * rank + i];
    }
  }
  ExpectClose(y, expected, 1e-5, "y");
}

// What a row gives must not depend on who is computed beside it, or on how many threads there are.
TEST(Gemv, ARowGivesTheSameBitsInAnyCompanyAndOnAnyThreads) {
  const int64_t rows = 37, out = 203, columns = 768;
  for (const BlockTypeInfo& info : BlockTypes()) {
    std::mt19937 random(7);
    const Weight w(info.type, out, columns, 1);
    const Operand x = Operand::Random(true, rows * columns, random);
    const auto run = [&](int64_t row, int64_t count) {
      std::vector<BFloat16> y(static_cast<size_t>(count * out));
      const GemvTerm term{x.in() + row * columns, columns, std::span(&w.matrix, 1)};
      Gemv(count, out, std::span(&term, 1), y.data(), out);
      return y;
    };
    SetNumThreads(1);
    const auto together = run(0, rows);
    for (const int threads : {1, 3}) {
      SetNumThreads(threads);
      for (const int64_t count : {1, 2, 5, 36}) {
        const auto alone = run(1, count);
        EXPECT_EQ(std::memcmp(alone.data(), together.data() + out, alone.size() * sizeof(BFloat16)), 0)
            << info.name << ", " << count << " rows, " << threads << " threads";
      }
    }
    SetNumThreads(0);
  }
}

}  // namespace
}  // namespace gemtune::kernels
