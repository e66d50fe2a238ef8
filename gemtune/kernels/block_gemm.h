#pragma once

#include <cstdint>
#include <vector>

#include "gemtune/base/float16.h"

namespace gemtune::kernels {

// Matrix products C = A · B on blocks that stay in the cache, with one operand packed; attention is built
// from them. E, the type of the packed operands, is float or BFloat16; products of BFloat16 are exact and
// added up in fp32.
//
// Packed B [k, n]: panels of 16 columns, one after the other. For float, a panel holds row after row of 16
// numbers; for BFloat16, pairs of rows with interleaved numbers (B[2i][j], B[2i+1][j]), as vdpbf16ps and
// tdpbf16ps read them. k is padded to a multiple of 32 and n to a multiple of 16, with zeros.

constexpr int64_t kPanelColumns = 16;
constexpr int64_t kDepthStep = 32;

constexpr int64_t PaddedColumns(int64_t n) {
  return (n + kPanelColumns - 1) / kPanelColumns * kPanelColumns;
}
constexpr int64_t PaddedDepth(int64_t k) {
  return (k + kDepthStep - 1) / kDepthStep * kDepthStep;
}

/// Numbers between two panels of a packed B of depth k.
constexpr int64_t PanelStride(int64_t k) {
  return PaddedDepth(k) * kPanelColumns;
}

/// Numbers in a packed B.
constexpr int64_t PackedSize(int64_t k, int64_t n) {
  return PaddedDepth(k) * PaddedColumns(n);
}

/// Adjacent numbers of a packed column: a pair in bf16.
template <typename E>
constexpr int64_t kPacked = sizeof(float) / sizeof(E);

/// One product: C [m, n] = A [m, k] · B [k, n], or added to C. m and n multiples of 16, k of the engine's
/// depth_step.
template <typename E>
struct GemmBlock {
  int64_t m, n, k;
  const E* a;  // number (in bf16: pair) j of row i is at a + i / 16 · a_panel + i % 16 · lda + j · a_step
  int64_t lda;
  int64_t a_panel = kPanelColumns * lda;  // row-major; AMX requires these
  int64_t a_step = kPacked<E>;
  const E* b;            // packed; the panel and row (a multiple of 32) to begin with
  int64_t panel_stride;  // of the whole packed B
  float* c;              // row-major
  int64_t ldc;
  bool accumulate;
  E* out = nullptr;  // row-major; if set, receives the rounded result, and C is only read
  int64_t ldout = 0;
};

/// An implementation for one instruction set. S is the type of the matrices in memory: E, or BFloat16 that is
/// widened to float as it is packed.
template <typename E, typename S = E>
struct GemmEngine {
  const char* name;
  int64_t depth_step;
  /// Packs B from its rows: B[i][j] = b[i · ldb + j].
  void (*pack_rows)(int64_t k, int64_t n, const S* b, int64_t ldb, E* packed);
  /// Packs B from its columns: B[i][j] = b[j · ldb + i].
  void (*pack_columns)(int64_t k, int64_t n, const S* b, int64_t ldb, E* packed);
  void (*gemm)(const GemmBlock<E>& block);
  /// Rounds rows of C to S.
  void (*store)(int64_t rows, int64_t columns, const float* c, int64_t ldc, S* out, int64_t ldout);
  /// Each thread calls these around its calls of gemm (AMX registers must be set up and released).
  void (*enter)();
  void (*leave)();
};

/// fp32 on any processor, through Highway.
const GemmEngine<float>& FloatGemm();

/// The same for matrices of bf16, where no engine multiplies such numbers.
const GemmEngine<float, BFloat16>& WideningGemm();

/// A row of A for that: x [n] → out [n].
void WidenRow(int64_t n, const BFloat16* x, float* out);

/// The engines for bf16 that this processor has and AllowedInstructionSet() allows, the fastest first: "amx",
/// "avx512_bf16". None on others.
const std::vector<const GemmEngine<BFloat16>*>& BFloat16Gemms();

/// Calls enter and leave of an engine around a scope.
template <typename E, typename S = E>
class EngineScope {
 public:
  explicit EngineScope(const GemmEngine<E, S>& engine) : engine_(engine) { engine_.enter(); }
  ~EngineScope() { engine_.leave(); }
  EngineScope(const EngineScope&) = delete;
  EngineScope& operator=(const EngineScope&) = delete;

 private:
  const GemmEngine<E, S>& engine_;
};

namespace internal {
// Defined in files compiled for one kind of processor each; call only on that processor.
extern const GemmEngine<BFloat16> kAmxGemm;
extern const GemmEngine<BFloat16> kAvx512Bf16Gemm;
}  // namespace internal

}  // namespace gemtune::kernels
