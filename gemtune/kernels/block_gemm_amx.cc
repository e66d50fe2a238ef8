// Compiled for AMX (Sapphire Rapids and later): tdpbf16ps multiplies tiles of 16 × 32 and 32 × 16 bf16
// numbers.
#include <immintrin.h>

#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/pack_bf16-inl.h"

namespace gemtune::kernels::internal {
namespace {

// Tiles 0..3 hold sums, 4 and 5 rows of A, 6 and 7 columns of B; all 16 rows of 64 bytes.
void EnterTiles() {
  struct alignas(64) {
    uint8_t palette = 1;
    uint8_t start_row = 0;
    uint8_t reserved[14] = {};
    uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } config;
  // g++ 12 assumes that the instruction reads only the first 8 bytes, and would not write the rest.
  __asm__ volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

void LeaveTiles() {
  _tile_release();
}

// The intrinsics need the tiles' numbers as literals, hence one function per shape.
inline void Tile2x2(const GemmBlock<BFloat16>& block, int64_t row, int64_t panel) {
  const BFloat16* a0 = block.a + row * block.lda;
  const BFloat16* a1 = a0 + 16 * block.lda;
  const BFloat16* b0 = block.b + panel * block.panel_stride;
  const BFloat16* b1 = b0 + block.panel_stride;
  float* c = block.c + row * block.ldc + panel * kPanelColumns;
  const int64_t a_bytes = block.lda * 2, c_bytes = block.ldc * 4;
  if (block.accumulate) {
    _tile_loadd(0, c, c_bytes);
    _tile_loadd(1, c + 16, c_bytes);
    _tile_loadd(2, c + 16 * block.ldc, c_bytes);
    _tile_loadd(3, c + 16 * block.ldc + 16, c_bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t k = 0; k < block.k; k += kDepthStep) {
    _tile_loadd(6, b0 + k * kPanelColumns, 64);
    _tile_loadd(4, a0 + k, a_bytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b1 + k * kPanelColumns, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a1 + k, a_bytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, c_bytes);
  _tile_stored(1, c + 16, c_bytes);
  _tile_stored(2, c + 16 * block.ldc, c_bytes);
  _tile_stored(3, c + 16 * block.ldc + 16, c_bytes);
}

inline void Tile1x1(const GemmBlock<BFloat16>& block, int64_t row, int64_t panel) {
  const BFloat16* a = block.a + row * block.lda;
  const BFloat16* b = block.b + panel * block.panel_stride;
  float* c = block.c + row * block.ldc + panel * kPanelColumns;
  const int64_t a_bytes = block.lda * 2, c_bytes = block.ldc * 4;
  if (block.accumulate) {
    _tile_loadd(0, c, c_bytes);
  } else {
    _tile_zero(0);
  }
  for (int64_t k = 0; k < block.k; k += kDepthStep) {
    _tile_loadd(4, a + k, a_bytes);
    _tile_loadd(6, b + k * kPanelColumns, 64);
    _tile_dpbf16ps(0, 4, 6);
  }
  _tile_stored(0, c, c_bytes);
}

// Two panels at a time stay in the L1 cache while the rows of A pass.
void Gemm(const GemmBlock<BFloat16>& block) {
  const int64_t panels = block.n / kPanelColumns;
  int64_t panel = 0;
  for (; panel + 2 <= panels; panel += 2) {
    int64_t row = 0;
    for (; row + 32 <= block.m; row += 32) Tile2x2(block, row, panel);
    for (; row < block.m; row += 16) {
      Tile1x1(block, row, panel);
      Tile1x1(block, row, panel + 1);
    }
  }
  for (; panel < panels; ++panel) {
    for (int64_t row = 0; row < block.m; row += 16) Tile1x1(block, row, panel);
  }
  if (block.out != nullptr) StoreRowsBf16(block.m, block.n, block.c, block.ldc, block.out, block.ldout);
}

}  // namespace

const GemmEngine<BFloat16> kAmxGemm = {.name = "amx",
                                       .depth_step = kDepthStep,
                                       .pack_rows = PackRowsBf16,
                                       .pack_columns = PackColumnsBf16,
                                       .gemm = Gemm,
                                       .store = StoreRowsBf16,
                                       .enter = EnterTiles,
                                       .leave = LeaveTiles};

}  // namespace gemtune::kernels::internal
