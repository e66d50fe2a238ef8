#include "gemtune/kernels/int8_gemm.h"

#include <algorithm>

#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"
#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/instruction_set.h"
#include "gemtune/kernels/int8_block.h"
#include "gemtune/kernels/pack_operand.h"
#include "gemtune/kernels/row_blocks.h"

namespace gemtune::kernels {
namespace {

constexpr int64_t kTileRows = 8;
constexpr int64_t kStripe = 3 * kPanelColumns;
constexpr int64_t kRowBytes = 192 << 10;     // of A's rows and of the columns that they meet, which stay in
constexpr int64_t kColumnBytes = 512 << 10;  // the second cache
constexpr int64_t kMaxBlockRows = 192;
constexpr int64_t kMaxBlockColumns = 8 * kStripe;

int64_t Groups(int64_t depth, int64_t group) {
  return (depth - 1) / group + 1;
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

// The added bf16 product: A's rows padded to whole tiles, B packed.
struct Added {
  int64_t depth = 0;
  hwy::AlignedFreeUniquePtr<BFloat16[]> a, b;

  Added() = default;
  Added(int64_t rows, int64_t columns, const GemmTerm& term)
      : depth(RoundUp(term.k, kPacked<BFloat16>)), a(Buffer<BFloat16>(RoundUp(rows, kTileRows) * depth)) {
    GEMTUNE_CHECK(term.a.data.is_bf16() && term.b.data.is_bf16() && !term.a.transposed);
    b = Pack(*BFloat16Gemms().back(), term.k, columns, term.b);
    const auto* from = static_cast<const BFloat16*>(term.a.data.data());
    ParallelFor(RoundUp(rows, kTileRows), 64, [&](int64_t begin, int64_t end) {
      std::fill_n(a.get() + begin * depth, (end - begin) * depth, BFloat16{});
      for (int64_t i = begin; i < std::min(end, rows); ++i)
        std::copy_n(from + i * term.a.stride, term.k, a.get() + i * depth);
    });
  }
};

}  // namespace

bool HaveInt8Gemm() {
  return HaveAvx512Vnni() && HaveAvx512Bf16();
}

Int8Rows QuantizeRows(int64_t rows, int64_t k, ConstFloats x, int64_t stride, int64_t group) {
  const int64_t depth = RoundUp(k, kInt8DepthStep), groups = Groups(depth, group),
                padded = RoundUp(rows, kTileRows);
  Int8Rows a{.rows = rows,
             .depth = depth,
             .group = group,
             .data = Buffer<uint8_t>(padded * depth),
             .scales = Buffer<float>(padded * groups)};
  std::fill(a.data.get() + rows * depth, a.data.get() + padded * depth, uint8_t{0});
  std::fill(a.scales.get() + rows * groups, a.scales.get() + padded * groups, 0.0f);
  WithTypeOf(
      [&]<typename T>(T) {
        ParallelFor(rows, 16, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            internal::QuantizeRow(k, depth, group, static_cast<const T*>(x.data()) + i * stride,
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
                          [&]<typename T>(T) {
                            internal::PackInt8Columns(in, width, kInt8ActivationGroup,
                                                      static_cast<const T*>(w.data()) + column * stride,
                                                      stride, data, scales, sums);
                          },
                          w);
                    });
}

Int8Weight QuantizeForInputGradient(int64_t out, int64_t in, ConstFloats w, int64_t stride) {
  return PackWeight(out, in, kInt8GradientGroup,
                    [&](int64_t column, int64_t width, int8_t* data, float* scales, int32_t* sums) {
                      WithTypeOf(
                          [&]<typename T>(T) {
                            internal::PackInt8Rows(out, width, kInt8GradientGroup,
                                                   static_cast<const T*>(w.data()) + column, stride, data,
                                                   scales, sums);
                          },
                          w);
                    });
}

void Int8Gemm(const Int8Rows& a, const Int8Weight& b, Floats y, int64_t stride, const GemmTerm* term) {
  GEMTUNE_CHECK(a.depth == b.depth && a.group == b.group);
  const Added added = term == nullptr ? Added() : Added(a.rows, b.columns, *term);
  const int64_t groups = Groups(a.depth, a.group);
  const int64_t fitting = std::min(kRowBytes / a.depth, a.rows / (int64_t{4} * NumThreads()));
  const int64_t most = std::clamp(fitting / kTileRows * kTileRows, kTileRows, kMaxBlockRows);
  const int64_t rows = EvenBlockRows(a.rows, most, kTileRows);
  const int64_t columns = std::clamp(kColumnBytes / a.depth / kStripe * kStripe, kStripe, kMaxBlockColumns);
  const int64_t across = CeilDiv(b.columns, columns);
  WithTypeOf(
      [&]<typename T>(T) {
        T* out = static_cast<T*>(y.data());
        ParallelForEach(CeilDiv(a.rows, rows) * across, [&](int64_t i) {
          const int64_t row_end = std::min(a.rows, (i / across + 1) * rows),
                        column_end = std::min(b.columns, (i % across + 1) * columns);
          // Goes along the rows of the result, so that memory is written in long pieces.
          for (int64_t row = i / across * rows; row < row_end; row += kTileRows) {
            for (int64_t column = i % across * columns; column < column_end; column += kStripe) {
              internal::MultiplyInt8({.rows = std::min(kTileRows, row_end - row),
                                      .columns = std::min(kStripe, column_end - column),
                                      .depth = a.depth,
                                      .groups = groups,
                                      .group = std::min(a.group, a.depth),
                                      .a = a.data.get() + row * a.depth,
                                      .a_scales = a.scales.get() + row * groups,
                                      .b = b.data.get() + column * b.depth,
                                      .b_scales = b.scales.get() + column,
                                      .b_sums = b.sums.get() + column * groups,
                                      .added_depth = added.depth,
                                      .added_a = added.a.get() + row * added.depth,
                                      .added_b = added.b.get() + column * PaddedDepth(added.depth)},
                                     out + row * stride + column, stride);
            }
          }
        });
      },
      y);
}

}  // namespace gemtune::kernels
