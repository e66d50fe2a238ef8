#include "gemtune/kernels/block_gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/block_gemm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "gemtune/kernels/instruction_set.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Vectors no longer than a panel.
using D = hn::CappedTag<float, kPanelColumns>;

// kRows rows of A times kPanels panels; kVectors vectors hold 16 columns.
template <int kRows, int kPanels, int kVectors>
HWY_INLINE void Tile(const GemmBlock<float>& block, int64_t row, int64_t panel) {
  const D d;
  constexpr int kWidth = kPanels * kVectors;
  const float* a = block.a + row * block.lda;
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

// Uses as many sums at once as fit into the registers: 8 rows and 3 panels of one vector each (AVX-512), 4
// rows of 2 vectors (AVX2), 2 rows of 4 (SSE4).
void Gemm(const GemmBlock<float>& block) {
  constexpr int kVectors = static_cast<int>(kPanelColumns / hn::MaxLanes(D()));
  constexpr int kRows = std::max(1, 8 / kVectors);
  const int64_t panels = block.n / kPanelColumns;
  int64_t panel = 0;
  if constexpr (kVectors == 1) {
    for (; panel + 3 <= panels; panel += 3) {
      for (int64_t row = 0; row < block.m; row += kRows) Tile<kRows, 3, kVectors>(block, row, panel);
    }
  }
  for (; panel < panels; ++panel) {
    for (int64_t row = 0; row < block.m; row += kRows) Tile<kRows, 1, kVectors>(block, row, panel);
  }
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {
namespace {

HWY_EXPORT(Gemm);

void PackRows(int64_t k, int64_t n, const float* b, int64_t ldb, float* packed) {
  for (int64_t column = 0; column < n; column += kPanelColumns, packed += PanelStride(k)) {
    const int64_t width = std::min(kPanelColumns, n - column);
    for (int64_t i = 0; i < k; ++i) {
      float* out = packed + i * kPanelColumns;
      std::copy_n(b + i * ldb + column, width, out);
      std::fill(out + width, out + kPanelColumns, 0.0f);
    }
    std::fill(packed + k * kPanelColumns, packed + PanelStride(k), 0.0f);
  }
}

void PackColumns(int64_t k, int64_t n, const float* b, int64_t ldb, float* packed) {
  for (int64_t column = 0; column < n; column += kPanelColumns, packed += PanelStride(k)) {
    std::fill(packed, packed + PanelStride(k), 0.0f);
    for (int64_t j = 0; j < std::min(kPanelColumns, n - column); ++j) {
      for (int64_t i = 0; i < k; ++i) packed[i * kPanelColumns + j] = b[(column + j) * ldb + i];
    }
  }
}

void StoreRows(int64_t rows, int64_t columns, const float* c, int64_t ldc, float* out, int64_t ldout) {
  for (int64_t i = 0; i < rows; ++i) std::copy_n(c + i * ldc, columns, out + i * ldout);
}

}  // namespace

const GemmEngine<float>& FloatGemm() {
  static const GemmEngine<float> engine = {.name = "float",
                                           .depth_step = 1,
                                           .pack_rows = PackRows,
                                           .pack_columns = PackColumns,
                                           .gemm =
                                               [](const GemmBlock<float>& block) {
                                                 HWY_DYNAMIC_DISPATCH(Gemm)
                                                 (block);
                                               },
                                           .store = StoreRows,
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
