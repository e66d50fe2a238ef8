#include "gemtune/kernels/block_gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/block_gemm.cc"
#include <hwy/foreach_target.h>

#include <hwy/cache_control.h>

#include <algorithm>

#include "gemtune/kernels/instruction_set.h"
#include "gemtune/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

// Vectors no longer than a panel.
using D = hn::CappedTag<float, kPanelColumns>;
constexpr int kVectors = static_cast<int>(kPanelColumns / hn::MaxLanes(D()));  // that hold a panel's row

// A tile's sums fill the registers: 8 rows and 3 panels of one vector each (AVX-512), 6 rows of 2 vectors
// (AVX2) or of 4 (NEON, with 32 registers), 2 rows of 4 (SSE4).
constexpr int kTilePanels = kVectors == 1 ? 3 : 1;
constexpr int kTileRows = kVectors == 1 ? 8 : kVectors == 2 || HWY_ARCH_ARM_A64 ? 6 : 2;

// The depth at which the panels of a tile stay in the first cache while the rows of A pass.
constexpr int64_t kChunkDepth = kVectors == 1 ? 128 : 192;

// kRows rows of A times kPanels panels.
template <int kRows, int kPanels>
HWY_INLINE void Tile(const GemmBlock<float>& block, int64_t row, int64_t panel) {
  const D d;
  constexpr int kWidth = kPanels * kVectors;
  const float* a = block.a + row / kPanelColumns * block.a_panel + row % kPanelColumns * block.lda;
  const float* b = block.b + panel * block.panel_stride;
  float* c = block.c + row * block.ldc + panel * kPanelColumns;
  constexpr int64_t kLanes = kPanelColumns / kVectors;
  hn::Vec<D> sum[kRows][kWidth];
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kWidth; ++v) {
      sum[i][v] = block.accumulate ? hn::LoadU(d, c + i * block.ldc + v * kLanes) : hn::Zero(d);
    }
  }
  for (int64_t k = 0; k < block.k; ++k) {
    hn::Vec<D> column[kWidth];
    for (int p = 0; p < kPanels; ++p) {
      for (int v = 0; v < kVectors; ++v) {
        column[p * kVectors + v] = hn::LoadU(d, b + p * block.panel_stride + k * kPanelColumns + v * kLanes);
      }
    }
    for (int i = 0; i < kRows; ++i) {
      const auto value = hn::Set(d, a[i * block.lda + k * block.a_step]);
      for (int v = 0; v < kWidth; ++v) sum[i][v] = hn::MulAdd(value, column[v], sum[i][v]);
    }
  }
  float* to = block.out == nullptr ? c : block.out + row * block.ldout + panel * kPanelColumns;
  const int64_t stride = block.out == nullptr ? block.ldc : block.ldout;
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kWidth; ++v) hn::StoreU(sum[i][v], d, to + i * stride + v * kLanes);
  }
}

// All rows times kPanels panels. Meanwhile the panels that come next, at `next`, are fetched from the outer
// caches, some with each tile: their first tile would wait for them.
template <int kPanels>
HWY_INLINE void Panels(const GemmBlock<float>& block, int64_t panel, const float* next) {
  int64_t fetched = 0;
  const auto fetch = [&](int64_t row) HWY_ATTR {
    for (const int64_t end = block.k * row / block.m; fetched < end; ++fetched) {
      for (int p = 0; p < kPanels; ++p)
        hwy::Prefetch(next + p * block.panel_stride + fetched * kPanelColumns);
    }
  };
  // Rows that lie side by side; 16 of them are not a multiple of 6.
  const int64_t run = block.a_panel == kPanelColumns * block.lda ? block.m : kPanelColumns;
  for (int64_t begin = 0; begin < block.m; begin += run) {
    int64_t row = begin;
    for (; row + kTileRows <= begin + run; row += kTileRows) {
      fetch(row + kTileRows);
      Tile<kTileRows, kPanels>(block, row, panel);
    }
    if constexpr (kTileRows > 4) {
      for (; row + 4 <= begin + run; row += 4) Tile<4, kPanels>(block, row, panel);
    }
    if constexpr (kTileRows > 2) {
      for (; row < begin + run; row += 2) Tile<2, kPanels>(block, row, panel);
    }
  }
}

void Gemm(const GemmBlock<float>& block) {
  const int64_t panels = block.n / kPanelColumns;
  for (int64_t k = 0; k < block.k; k += kChunkDepth) {
    GemmBlock<float> chunk = block;
    chunk.k = std::min(kChunkDepth, block.k - k);
    chunk.a += k * block.a_step;
    chunk.b += k * kPanelColumns;
    chunk.accumulate |= k > 0;
    const bool is_last = k + kChunkDepth >= block.k;
    if (!is_last) chunk.out = nullptr;
    const auto next = [&](int64_t panel) {
      return panel < panels || is_last ? chunk.b + panel * block.panel_stride
                                       : chunk.b + kChunkDepth * kPanelColumns;
    };
    int64_t panel = 0;
    for (; panel + kTilePanels <= panels; panel += kTilePanels)
      Panels<kTilePanels>(chunk, panel, next(panel + kTilePanels));
    if constexpr (kTilePanels > 1) {
      for (; panel < panels; ++panel) Panels<1>(chunk, panel, next(panel + 1));
    }
  }
}

// A few rows of B at a time, which are parts of every panel.
template <typename S>
HWY_INLINE void PackRows(int64_t k, int64_t n, const S* b, int64_t ldb, float* packed) {
  const D d;
  constexpr int64_t kLanes = kPanelColumns / kVectors;
  for (int64_t begin = 0; begin < PaddedDepth(k); begin += kDepthStep) {
    float* panel = packed + begin * kPanelColumns;
    const int64_t rows = std::min(kDepthStep, k - begin);
    for (int64_t column = 0; column < n; column += kPanelColumns, panel += PanelStride(k)) {
      const S* from = b + begin * ldb + column;
      const int64_t width = std::min(kPanelColumns, n - column);
      std::fill(panel + (width == kPanelColumns ? rows * kPanelColumns : 0),
                panel + kDepthStep * kPanelColumns, 0.0f);
      for (int64_t i = 0; i < rows; ++i) {
        float* to = panel + i * kPanelColumns;
        hwy::Prefetch(from + (i + kDepthStep) * ldb);
        if (width == kPanelColumns) {
          for (int64_t j = 0; j < kPanelColumns; j += kLanes)
            hn::StoreU(LoadFloat(d, from + i * ldb + j), d, to + j);
        } else {
          for (int64_t j = 0; j < width; ++j) hn::StoreU(LoadFloat(One(), from + i * ldb + j), One(), to + j);
        }
      }
    }
  }
}

// Four columns' next four numbers, transposed.
template <typename S>
HWY_INLINE void Transpose4x4(const S* from, int64_t ldb, float* to) {
#if HWY_TARGET == HWY_SCALAR
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 4; ++j)
      hn::StoreU(LoadFloat(One(), from + j * ldb + i), One(), to + i * kPanelColumns + j);
  }
#else
  const hn::FixedTag<float, 4> d;
  const auto a0 = LoadFloat(d, from), a1 = LoadFloat(d, from + ldb), a2 = LoadFloat(d, from + 2 * ldb),
             a3 = LoadFloat(d, from + 3 * ldb);
  const auto low0 = hn::InterleaveLower(d, a0, a1), low1 = hn::InterleaveLower(d, a2, a3),
             high0 = hn::InterleaveUpper(d, a0, a1), high1 = hn::InterleaveUpper(d, a2, a3);
  hn::StoreU(hn::ConcatLowerLower(d, low1, low0), d, to);
  hn::StoreU(hn::ConcatUpperUpper(d, low1, low0), d, to + kPanelColumns);
  hn::StoreU(hn::ConcatLowerLower(d, high1, high0), d, to + 2 * kPanelColumns);
  hn::StoreU(hn::ConcatUpperUpper(d, high1, high0), d, to + 3 * kPanelColumns);
#endif
}

template <typename S>
HWY_INLINE void PackColumns(int64_t k, int64_t n, const S* b, int64_t ldb, float* packed) {
  for (int64_t column = 0; column < n; column += kPanelColumns, packed += PanelStride(k)) {
    const int64_t width = std::min(kPanelColumns, n - column), wholes = width / 4 * 4;
    const S* from = b + column * ldb;
    if (width < kPanelColumns) std::fill(packed, packed + PanelStride(k), 0.0f);
    int64_t i = 0;
    for (; i + 4 <= k; i += 4) {
      for (int64_t j = 0; j < wholes; j += 4)
        Transpose4x4(from + j * ldb + i, ldb, packed + i * kPanelColumns + j);
    }
    const auto copy = [&](int64_t begin, int64_t first) HWY_ATTR {
      for (int64_t j = first; j < width; ++j) {
        for (int64_t l = begin; l < k; ++l)
          hn::StoreU(LoadFloat(One(), from + j * ldb + l), One(), packed + l * kPanelColumns + j);
      }
    };
    copy(0, wholes);
    copy(i, 0);
    std::fill(packed + k * kPanelColumns, packed + PanelStride(k), 0.0f);
  }
}

template <typename S>
HWY_INLINE void StoreRows(int64_t rows, int64_t columns, const float* c, int64_t ldc, S* out, int64_t ldout) {
  for (int64_t i = 0; i < rows; ++i, c += ldc, out += ldout) {
    ForEachVector(columns, [&](auto d, int64_t j) HWY_ATTR { StoreFloat(hn::LoadU(d, c + j), d, out + j); });
  }
}

// HWY_EXPORT takes functions, not templates.
void PackFloatRows(int64_t k, int64_t n, const float* b, int64_t ldb, float* packed) {
  PackRows(k, n, b, ldb, packed);
}
void PackBFloat16Rows(int64_t k, int64_t n, const BFloat16* b, int64_t ldb, float* packed) {
  PackRows(k, n, b, ldb, packed);
}
void PackFloatColumns(int64_t k, int64_t n, const float* b, int64_t ldb, float* packed) {
  PackColumns(k, n, b, ldb, packed);
}
void PackBFloat16Columns(int64_t k, int64_t n, const BFloat16* b, int64_t ldb, float* packed) {
  PackColumns(k, n, b, ldb, packed);
}
void StoreFloatRows(int64_t rows, int64_t columns, const float* c, int64_t ldc, float* out, int64_t ldout) {
  StoreRows(rows, columns, c, ldc, out, ldout);
}
void StoreBFloat16Rows(int64_t rows, int64_t columns, const float* c, int64_t ldc, BFloat16* out,
                       int64_t ldout) {
  StoreRows(rows, columns, c, ldc, out, ldout);
}
void Widen(int64_t n, const BFloat16* x, float* out) {
  ForEachVector(n, [&](auto d, int64_t i) HWY_ATTR { hn::StoreU(LoadFloat(d, x + i), d, out + i); });
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {
namespace {

HWY_EXPORT(Gemm);
HWY_EXPORT(PackFloatRows);
HWY_EXPORT(PackBFloat16Rows);
HWY_EXPORT(PackFloatColumns);
HWY_EXPORT(PackBFloat16Columns);
HWY_EXPORT(StoreFloatRows);
HWY_EXPORT(StoreBFloat16Rows);
HWY_EXPORT(Widen);

void RunGemm(const GemmBlock<float>& block) {
  HWY_DYNAMIC_DISPATCH(Gemm)(block);
}

}  // namespace

void WidenRow(int64_t n, const BFloat16* x, float* out) {
  HWY_DYNAMIC_DISPATCH(Widen)(n, x, out);
}

const GemmEngine<float>& FloatGemm() {
  static const GemmEngine<float> engine = {.name = "float",
                                           .depth_step = 1,
                                           .pack_rows =
                                               [](auto... all) {
                                                 HWY_DYNAMIC_DISPATCH(PackFloatRows)
                                                 (all...);
                                               },
                                           .pack_columns =
                                               [](auto... all) {
                                                 HWY_DYNAMIC_DISPATCH(PackFloatColumns)
                                                 (all...);
                                               },
                                           .gemm = RunGemm,
                                           .store =
                                               [](auto... all) {
                                                 HWY_DYNAMIC_DISPATCH(StoreFloatRows)
                                                 (all...);
                                               },
                                           .enter = [] {},
                                           .leave = [] {}};
  return engine;
}

const GemmEngine<float, BFloat16>& WideningGemm() {
  static const GemmEngine<float, BFloat16> engine = {.name = "widening",
                                                     .depth_step = 1,
                                                     .pack_rows =
                                                         [](auto... all) {
                                                           HWY_DYNAMIC_DISPATCH(PackBFloat16Rows)
                                                           (all...);
                                                         },
                                                     .pack_columns =
                                                         [](auto... all) {
                                                           HWY_DYNAMIC_DISPATCH(PackBFloat16Columns)
                                                           (all...);
                                                         },
                                                     .gemm = RunGemm,
                                                     .store =
                                                         [](auto... all) {
                                                           HWY_DYNAMIC_DISPATCH(StoreBFloat16Rows)
                                                           (all...);
                                                         },
                                                     .enter = [] {},
                                                     .leave = [] {}};
  return engine;
}

const std::vector<const GemmEngine<BFloat16>*>& BFloat16Gemms() {
  using Engines = std::vector<const GemmEngine<BFloat16>*>;
  static const Engines none;
#if defined(__x86_64__)
  static const Engines without_amx = {&internal::kAvx512Bf16Gemm},
                       all = {&internal::kAmxGemm, &internal::kAvx512Bf16Gemm};
  if (HaveAvx512Bf16()) return HaveAmxBf16() ? all : without_amx;
#endif
  return none;
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
