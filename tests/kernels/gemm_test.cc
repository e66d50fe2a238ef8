#include "gemtune/kernels/gemm.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"
#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/instruction_set.h"
#include "kernel_test.h"
#include "tests/support/random_blocks.h"

namespace gemtune::kernels {
namespace {

struct Sizes {
  int64_t m, n, k;
};

// A matrix [rows, columns] of random numbers with its rows, or the transposed one's, further apart than they
// are long.
struct Matrix {
  Matrix(bool is_bf16, int64_t rows, int64_t columns, bool transposed_, std::mt19937& random)
      : stride((transposed_ ? rows : columns) + 3),
        transposed(transposed_),
        numbers(Operand::Random(is_bf16, (transposed_ ? columns : rows) * stride, random)) {}

  double At(int64_t i, int64_t j) const { return numbers[transposed ? j * stride + i : i * stride + j]; }
  GemmOperand operand() const { return {numbers.in(), stride, transposed}; }

  int64_t stride;
  bool transposed;
  Operand numbers;
};

void Check(bool is_bf16, const Sizes& size, bool a_transposed, bool b_transposed) {
  std::mt19937 random(static_cast<unsigned>(size.m * size.n + size.k));
  const Matrix a(is_bf16, size.m, size.k, a_transposed, random),
      b(is_bf16, size.k, size.n, b_transposed, random);
  const int64_t stride = size.n + 5;
  Operand out(is_bf16, size.m * stride);
  for (size_t i = 0; i < out.size(); ++i) out.Set(i, 0.5f);
  Gemm(size.m, size.n, size.k, a.operand(), b.operand(), out.out(), stride);
  for (int64_t i = 0; i < size.m; ++i) {
    for (int64_t j = 0; j < stride; ++j) {
      double expected = j < size.n ? 0.0 : 0.5;
      for (int64_t l = 0; l < size.k && j < size.n; ++l) expected += a.At(i, l) * b.At(l, j);
      const double rounding = is_bf16 ? std::abs(expected) / 256 : 0;
      ASSERT_NEAR(out[i * stride + j], expected, rounding + 1e-5 * (1 + std::sqrt(size.k)))
          << size.m << "×" << size.n << "×" << size.k << " at " << i << ", " << j;
    }
  }
}

void CheckAll(bool is_bf16) {
  for (const bool a_transposed : {false, true}) {
    for (const bool b_transposed : {false, true}) {
      for (const int64_t m : {1, 17, 50}) {
        for (const int64_t n : {1, 49, 97}) {
          for (const int64_t k : {1, 64, 65}) Check(is_bf16, {m, n, k}, a_transposed, b_transposed);
        }
      }
      // Several blocks of rows and of columns, and chunks of depth.
      Check(is_bf16, {403, 450, 33}, a_transposed, b_transposed);
      // Few columns and great depth: an adapter's gradients.
      Check(is_bf16, {275, 17, 601}, a_transposed, b_transposed);
      // Too large a B to be packed in one go.
      if (a_transposed == b_transposed) Check(is_bf16, {2, 140'000, 33}, a_transposed, b_transposed);
    }
  }
}

TEST(Gemm, FloatEqualsAPlainLoop) {
  OnEveryTarget([] { CheckAll(false); });
}

TEST(Gemm, BFloat16EqualsAPlainLoop) {
  CheckAll(true);
}

TEST(Gemm, BFloat16IsWidenedWithoutItsInstructions) {
  const InstructionSet before = AllowedInstructionSet();
  for (const InstructionSet set : {InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    AllowInstructionSet(set);
    CheckAll(true);
  }
  AllowInstructionSet(before);
}

// The sum is rounded once: it differs from that of two products rounded each.
TEST(Gemm, AddsASecondProductToTheSums) {
  std::mt19937 random(3);
  for (const bool is_bf16 : {false, true}) {
    for (const int64_t m : {16, 150}) {
      for (const int64_t r : {1, 16, 33}) {
        for (const bool transposed : {false, true}) {
          const int64_t n = 70, k = 40;
          const Matrix a(is_bf16, m, k, false, random), b(is_bf16, k, n, transposed, random),
              c(is_bf16, m, r, transposed, random), d(is_bf16, r, n, transposed, random);
          Operand out(is_bf16, m * n);
          const GemmTerm added{r, c.operand(), d.operand()};
          Gemm(m, n, k, a.operand(), b.operand(), out.out(), n, &added);
          for (int64_t i = 0; i < m; ++i) {
            for (int64_t j = 0; j < n; ++j) {
              double expected = 0;
              for (int64_t l = 0; l < k; ++l) expected += a.At(i, l) * b.At(l, j);
              for (int64_t l = 0; l < r; ++l) expected += c.At(i, l) * d.At(l, j);
              ASSERT_NEAR(out[i * n + j], expected, (is_bf16 ? std::abs(expected) / 256 : 0) + 1e-4)
                  << m << " " << r << " at " << i << ", " << j;
            }
          }
        }
      }
    }
  }
}

TEST(Gemm, TheNumberOfThreadsChangesNothing) {
  std::mt19937 random(5);
  const int64_t m = 300, n = 200, k = 700;
  const Operand a = Operand::Random(false, m * k, random), b = Operand::Random(false, k * n, random);
  std::vector<float> one(m * n), three(m * n);
  const int threads = NumThreads();
  for (const bool transposed : {false, true}) {
    const GemmOperand left{a.in(), transposed ? m : k, transposed};
    SetNumThreads(1);
    Gemm(m, n, k, left, {b.in(), n}, one.data(), n);
    SetNumThreads(3);
    Gemm(m, n, k, left, {b.in(), n}, three.data(), n);
    EXPECT_EQ(one, three);
  }
  SetNumThreads(threads);
}

// Pieces of several types that end within a panel; a depth that is not a multiple of a step; a second
// product.
TEST(Gemm, ABThatStaysInBlocksGivesTheSameBits) {
  std::mt19937 random(7);
  const int64_t columns = 256, heights[] = {40, 7, 38}, rows = 85, r = 5;
  const BlockType types[] = {BlockType::kQ4_K, BlockType::kQ8_0, BlockType::kQ6_K};
  std::vector<std::vector<std::byte>> bytes;
  std::vector<BlockMatrix> pieces;
  for (int i = 0; i < 3; ++i) {
    bytes.push_back(test::RandomBlocks(types[i], heights[i], columns, i));
    pieces.push_back({types[i], bytes.back().data(), heights[i], columns});
  }
  for (const bool is_bf16 : {false, true}) {
    Operand w(is_bf16, rows * columns);
    DequantizeRows(pieces, 0, rows, w.out());
    for (const int64_t m : {1, 130}) {
      for (const bool transposed : {false, true}) {
        const int64_t n = transposed ? rows : columns, k = transposed ? columns : rows, stride = n + 3;
        const Matrix a(is_bf16, m, k, false, random), c(is_bf16, m, r, false, random),
            d(is_bf16, r, n, false, random);
        const GemmTerm term{r, c.operand(), d.operand()};
        for (const GemmTerm* added : {static_cast<const GemmTerm*>(nullptr), &term}) {
          Operand expected(is_bf16, m * stride), actual(is_bf16, m * stride);
          Gemm(m, n, k, a.operand(), {w.in(), columns, transposed}, expected.out(), stride, added);
          Gemm(m, a.operand(), {pieces, transposed}, actual.out(), stride, added);
          double size = 0;
          for (size_t i = 0; i < actual.size(); ++i) {
            ASSERT_EQ(actual[i], expected[i]) << is_bf16 << transposed << " at " << i;
            size += std::abs(actual[i]);
          }
          EXPECT_GT(size, 1.0);
        }
      }
    }
  }
}

// Each in a process of its own, which the environment is set before.
class GemmDeathTest : public testing::Test {
 protected:
  GemmDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  ~GemmDeathTest() override {
    before_.empty() ? ::unsetenv(kVariable) : ::setenv(kVariable, before_.c_str(), 1);
  }

  static constexpr const char* kVariable = "GEMTUNE_GEMM";

 private:
  const std::string before_ = std::getenv(kVariable) == nullptr ? "" : std::getenv(kVariable);
};

TEST_F(GemmDeathTest, TheEnvironmentSaysWhoseProductsAreUsed) {
  const auto fast = [] { std::exit((GemmIsFast(false) ? 1 : 0) + (GemmIsFast(true) ? 2 : 0)); };
  const int otherwise = (GemmIsFast(false) ? 1 : 0) + (GemmIsFast(true) ? 2 : 0);
  for (const auto& [word, code] :
       {std::pair("own", HaveAvx2() ? 3 : 0), std::pair("library", 0), std::pair("auto", otherwise)}) {
    ::setenv(kVariable, word, 1);
    EXPECT_EXIT(fast(), testing::ExitedWithCode(code), "") << word;
  }
}

TEST_F(GemmDeathTest, AnotherWordIsAnErrorThatNamesTheChoices) {
  const auto complain = [] {
    try {
      GemmIsFast(false);
    } catch (const Error& error) {
      std::fputs(error.what(), stderr);
    }
    std::exit(7);
  };
  ::setenv(kVariable, "mkl", 1);
  EXPECT_EXIT(complain(), testing::ExitedWithCode(7), "set it to auto, own or library");
}

}  // namespace
}  // namespace gemtune::kernels
