#include "gemtune/kernels/int8_gemm.h"

#include <algorithm>
#include <optional>

#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"
#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/instruction_set.h"
#include "gemtune/kernels/int8_block.h"
#include "gemtune/kernels/pack_operand.h"
#include "gemtune/kernels/row_blocks.h"

namespace gemtune::kernels {
namespace {

using internal::Int8Engine;
using internal::Int8Rounding;
using internal::kInt8TileRows;

constexpr int64_t kStripe = internal::kInt8TilePanels * kPanelColumns;
constexpr int64_t kRowBytes = 192 << 10;     // of A's rows and of the columns that they meet, which stay in
constexpr int64_t kColumnBytes = 512 << 10;  // the second cache
constexpr int64_t kMaxBlockRows = 192;
constexpr int64_t kMaxBlockColumns = 8 * kStripe;

int64_t Groups(int64_t depth, int64_t group) {
  return (depth - 1) / group + 1;
}

// The engine for this processor, or nullptr.
const Int8Engine* Engine() {
#if defined(__x86_64__)
  if (HaveAvx512Vnni()) return &internal::kAvx512VnniInt8;
  if (HaveAvxVnni()) return &internal::kAvxVnniInt8;
#endif
  return nullptr;
}

// pack(column, width, data, scales, sums) fills one panel of B [k, n].
template <typename Pack>
Int8Weight PackWeight(int64_t k, int64_t n, int64_t group, Pack&& pack) {
  const int64_t depth = RoundUp(k, kInt8DepthStep), columns = PaddedColumns(n);
  Int8Weight b{.columns = n,
               .depth = depth,
               .group = group,
               .data = Buffer<int8_t>(columns * depth),
               .scales = Buffer<float>(columns),
               .sums = Buffer<int32_t>(columns * Groups(depth, group))};
  ParallelFor(columns / kPanelColumns, 4, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t column = panel * kPanelColumns;
      pack(column, std::min(kPanelColumns, n - column), b.data.get() + column * depth,
           b.scales.get() + column, b.sums.get() + column * Groups(depth, group));
    }
  });
  return b;
}

// The product that is added: A's rows in the engine's format, padded to whole tiles, and B packed.
template <typename E, typename S>
struct Added {
  const GemmEngine<E, S>& engine;
  int64_t k, depth;
  BufferPointer<E> a, b;

  Added(const GemmEngine<E, S>& engine_, int64_t rows, int64_t columns, const GemmTerm& term)
      : engine(engine_),
        k(term.k),
        depth(RoundUp(k, engine.depth_step)),
        a(Buffer<E>(RoundUp(rows, kInt8TileRows) * depth)),
        b(Pack(engine, k, columns, term.b)) {
    const auto* from = static_cast<const S*>(term.a.data.data());
    ParallelFor(RoundUp(rows, kInt8TileRows), 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t filled = i < rows ? k : 0;
        CopyRow(filled, from + i * term.a.stride, a.get() + i * depth);
        std::fill(a.get() + i * depth + filled, a.get() + (i + 1) * depth, E{});
      }
    });
  }

  // y [kInt8TileRows, columns] += the product at that place.
  void AddTo(float* y, int64_t row, int64_t column, int64_t columns) const {
    const EngineScope<E, S> scope(engine);
    engine.gemm({.m = kInt8TileRows,
                 .n = columns,
                 .k = depth,
                 .a = a.get() + row * depth,
                 .lda = depth,
                 .b = b.get() + column / kPanelColumns * PanelStride(k),
                 .panel_stride = PanelStride(k),
                 .c = y,
                 .ldc = kStripe,
                 .accumulate = true});
  }
};

// `matmul` multiplies what is added and rounds the sums.
template <typename E, typename S>
void Multiply(const Int8Engine& engine, const GemmEngine<E, S>& matmul, const Int8Rows& a,
              const Int8Weight& b, S* y, int64_t stride, const GemmTerm* term) {
  std::optional<Added<E, S>> added;
  if (term != nullptr) added.emplace(matmul, a.rows, b.columns, *term);
  const int64_t groups = Groups(a.depth, a.group);
  const int64_t fitting = std::min(kRowBytes / a.depth, a.rows / (int64_t{4} * NumThreads()));
  const int64_t most = std::clamp(fitting / kInt8TileRows * kInt8TileRows, kInt8TileRows, kMaxBlockRows);
  const int64_t rows = EvenBlockRows(a.rows, most, kInt8TileRows);
  const int64_t columns = std::clamp(kColumnBytes / a.depth / kStripe * kStripe, kStripe, kMaxBlockColumns);
  const int64_t across = CeilDiv(b.columns, columns);
  ParallelForEach(CeilDiv(a.rows, rows) * across, [&](int64_t i) {
    const auto sums = Buffer<float>(kInt8TileRows * kStripe);
    const int64_t row_end = std::min(a.rows, (i / across + 1) * rows),
                  column_end = std::min(b.columns, (i % across + 1) * columns);
    // Goes along the rows of the result, so that memory is written in long pieces.
    for (int64_t row = i / across * rows; row < row_end; row += kInt8TileRows) {
      for (int64_t column = i % across * columns; column < column_end; column += kStripe) {
        const int64_t width = std::min(kStripe, column_end - column), padded = PaddedColumns(width);
        engine.multiply({.panels = padded / kPanelColumns,
                         .depth = a.depth,
                         .groups = groups,
                         .group = std::min(a.group, a.depth),
                         .a = a.data.get() + row * a.depth,
                         .a_scales = a.scales.get() + row * groups,
                         .b = b.data.get() + column * b.depth,
                         .b_scales = b.scales.get() + column,
                         .b_sums = b.sums.get() + column * groups},
                        sums.get(), kStripe);
        if (added) added->AddTo(sums.get(), row, column, padded);
        matmul.store(std::min(kInt8TileRows, row_end - row), width, sums.get(), kStripe,
                     y + row * stride + column, stride);
      }
    }
  });
}

}  // namespace

bool HaveInt8Gemm() {
  return Engine() != nullptr;
}

Int8Rows QuantizeRows(int64_t rows, int64_t k, ConstFloats x, int64_t stride, int64_t group) {
  const int64_t depth = RoundUp(k, kInt8DepthStep), groups = Groups(depth, group),
                padded = RoundUp(rows, kInt8TileRows);
  Int8Rows a{.rows = rows,
             .depth = depth,
             .group = group,
             .data = Buffer<uint8_t>(padded * depth),
             .scales = Buffer<float>(padded * groups)};
  std::fill(a.data.get() + rows * depth, a.data.get() + padded * depth, uint8_t{0});
  std::fill(a.scales.get() + rows * groups, a.scales.get() + padded * groups, 0.0f);
  WithTypeOf(
      [&]<typename T>(T type) {
        const Int8Rounding<T> rounding = Engine()->rounding(type);
        ParallelFor(rows, 16, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            rounding.quantize_row(k, depth, group, static_cast<const T*>(x.data()) + i * stride,
                                  a.data.get() + i * depth, a.scales.get() + i * groups);
          }
        });
      },
      x);
  return a;
}

Int8Weight QuantizeForOutput(int64_t out, int64_t in, ConstFloats w, int64_t stride) {
  return PackWeight(in, out, kInt8ActivationGroup,
                    [&](int64_t column, int64_t width, int8_t* data, float* scales, int32_t* sums) {
                      WithTypeOf(
                          [&]<typename T>(T type) {
                            Engine()->rounding(type).pack_columns(
                                in, width, kInt8ActivationGroup,
                                static_cast<const T*>(w.data()) + column * stride, stride, data, scales,
                                sums);
                          },
                          w);
                    });
}

Int8Weight QuantizeForInputGradient(int64_t out, int64_t in, ConstFloats w, int64_t stride) {
  return PackWeight(out, in, kInt8GradientGroup,
                    [&](int64_t column, int64_t width, int8_t* data, float* scales, int32_t* sums) {
                      WithTypeOf(
                          [&]<typename T>(T type) {
                            Engine()->rounding(type).pack_rows(out, width, kInt8GradientGroup,
                                                               static_cast<const T*>(w.data()) + column,
                                                               stride, data, scales, sums);
                          },
                          w);
                    });
}

void Int8Gemm(const Int8Rows& a, const Int8Weight& b, Floats y, int64_t stride, const GemmTerm* added) {
  GEMTUNE_CHECK(a.depth == b.depth && a.group == b.group);
  if (added != nullptr) {
    WithTypeOf([](auto) {}, added->a.data, added->b.data, y);
    GEMTUNE_CHECK(!added->a.transposed);
  }
  WithGemmEngine(y.is_bf16(), [&]<typename E, typename S>(const GemmEngine<E, S>& engine) {
    Multiply(*Engine(), engine, a, b, static_cast<S*>(y.data()), stride, added);
  });
}

}  // namespace gemtune::kernels
