// Compiled for AVX-512 with BF16 (Cooper Lake, Sapphire Rapids, Zen 4): vdpbf16ps multiplies 32 pairs of
// bf16.
#include <immintrin.h>

#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/pack_bf16-inl.h"

namespace gemtune::kernels::internal {
namespace {

// 8 rows × 3 panels: 24 sums, 3 columns and a broadcast fill the 32 registers. With one panel, twice as many
// rows, so that the sums need not wait for each other.
template <int kRows, int kPanels>
inline void Tile(const GemmBlock<BFloat16>& block, int64_t row, int64_t panel) {
  const BFloat16* a = block.a + row / kPanelColumns * block.a_panel + row % kPanelColumns * block.lda;
  const BFloat16* b = block.b + panel * block.panel_stride;
  float* c = block.c + row * block.ldc + panel * kPanelColumns;
  __m512 sum[kRows][kPanels];
  for (int i = 0; i < kRows; ++i) {
    for (int p = 0; p < kPanels; ++p) {
      sum[i][p] =
          block.accumulate ? _mm512_loadu_ps(c + i * block.ldc + p * kPanelColumns) : _mm512_setzero_ps();
    }
  }
  for (int64_t k = 0; k < block.k; k += 2, a += block.a_step) {
    __m512bh column[kPanels];
    for (int p = 0; p < kPanels; ++p) {
      column[p] =
          reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + p * block.panel_stride + k * kPanelColumns));
    }
    for (int i = 0; i < kRows; ++i) {
      int32_t pair;
      std::memcpy(&pair, a + i * block.lda, sizeof pair);
      const auto value = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
      for (int p = 0; p < kPanels; ++p) sum[i][p] = _mm512_dpbf16_ps(sum[i][p], value, column[p]);
    }
  }
  if (block.out != nullptr) {
    BFloat16* out = block.out + row * block.ldout + panel * kPanelColumns;
    for (int i = 0; i < kRows; ++i) {
      for (int p = 0; p < kPanels; ++p) StoreRounded(sum[i][p], out + i * block.ldout + p * kPanelColumns);
    }
    return;
  }
  for (int i = 0; i < kRows; ++i) {
    for (int p = 0; p < kPanels; ++p) _mm512_storeu_ps(c + i * block.ldc + p * kPanelColumns, sum[i][p]);
  }
}

void Gemm(const GemmBlock<BFloat16>& block) {
  const int64_t panels = block.n / kPanelColumns;
  int64_t panel = 0;
  for (; panel + 3 <= panels; panel += 3) {
    for (int64_t row = 0; row < block.m; row += 8) Tile<8, 3>(block, row, panel);
  }
  for (; panel + 2 <= panels; panel += 2) {
    for (int64_t row = 0; row < block.m; row += 8) Tile<8, 2>(block, row, panel);
  }
  for (; panel < panels; ++panel) {
    for (int64_t row = 0; row < block.m; row += 16) Tile<16, 1>(block, row, panel);
  }
}

}  // namespace

const GemmEngine<BFloat16> kAvx512Bf16Gemm = {.name = "avx512_bf16",
                                              .depth_step = kPacked<BFloat16>,
                                              .pack_rows = PackRowsBf16,
                                              .pack_columns = PackColumnsBf16,
                                              .gemm = Gemm,
                                              .store = StoreRowsBf16,
                                              .enter = [] {},
                                              .leave = [] {}};

}  // namespace gemtune::kernels::internal
