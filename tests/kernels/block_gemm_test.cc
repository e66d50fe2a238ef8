#include "gemtune/kernels/block_gemm.h"

#include "kernel_test.h"

namespace gemtune::kernels {
namespace {

float Number(float x) {
  return x;
}
float Number(BFloat16 x) {
  return FloatFromBFloat16(x.bits);
}
void Assign(float& x, float value) {
  x = value;
}
void Assign(BFloat16& x, float value) {
  x.bits = BFloat16FromFloat(value);
}

// C = A·B or C += A·B against a plain loop in double, B packed from its rows and from its columns, with sizes
// that are no multiple of a panel or a step of depth.
template <typename E>
void Check(const GemmEngine<E>& engine, int64_t m, int64_t n, int64_t k) {
  std::mt19937 random(static_cast<unsigned>(m + n + k));
  std::normal_distribution<float> normal;
  const int64_t depth = PaddedDepth(k), columns = PaddedColumns(n), lda = depth + 32, ldc = columns + 16;
  std::vector<E> a(m * lda), b(k * n), b_columns(k * n);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < k; ++j) Assign(a[i * lda + j], normal(random));
  }
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      Assign(b[i * n + j], normal(random));
      b_columns[j * k + i] = b[i * n + j];
    }
  }
  for (const bool from_rows : {true, false}) {
    std::vector<E> packed(PackedSize(k, n));
    if (from_rows) {
      engine.pack_rows(k, n, b.data(), n, packed.data());
    } else {
      engine.pack_columns(k, n, b_columns.data(), k, packed.data());
    }
    for (const bool accumulate : {false, true}) {
      std::vector<float> c(m * ldc, 0.5f);
      const EngineScope<E> scope(engine);
      engine.gemm({.m = m,
                   .n = columns,
                   .k = depth,
                   .a = a.data(),
                   .lda = lda,
                   .b = packed.data(),
                   .panel_stride = PanelStride(k),
                   .c = c.data(),
                   .ldc = ldc,
                   .accumulate = accumulate});
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < ldc; ++j) {
          double expected = j < columns && !accumulate ? 0.0 : 0.5;
          for (int64_t l = 0; l < k && j < n; ++l)
            expected += double{Number(a[i * lda + l])} * Number(b[l * n + j]);
          ASSERT_NEAR(c[i * ldc + j], expected, 1e-5 * (1 + std::sqrt(k)))
              << engine.name << " " << m << "×" << n << "×" << k << " at " << i << ", " << j;
        }
      }
    }
  }
}

template <typename E>
void CheckAll(const GemmEngine<E>& engine) {
  for (const int64_t m : {16, 32, 48, 112}) {
    for (const int64_t n : {1, 15, 16, 17, 31, 48, 65, 112}) {
      for (const int64_t k : {1, 7, 31, 32, 33, 96}) Check(engine, m, n, k);
    }
  }
}

TEST(BlockGemm, FloatEqualsAPlainLoop) {
  OnEveryTarget([] { CheckAll(FloatGemm()); });
}

TEST(BlockGemm, BFloat16EqualsAPlainLoop) {
  for (const GemmEngine<BFloat16>* engine : BFloat16Gemms()) CheckAll(*engine);
}

}  // namespace
}  // namespace gemtune::kernels
