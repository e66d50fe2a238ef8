#include "gemtune/kernels/gemv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/gemv.cc"
#include <hwy/foreach_target.h>

#include <hwy/cache_control.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"
#include "gemtune/kernels/buffer.h"
#include "gemtune/kernels/quant_blocks-inl.h"
#include "gemtune/kernels/simd-inl.h"

#ifndef GEMTUNE_KERNELS_GEMV_SHARED_
#define GEMTUNE_KERNELS_GEMV_SHARED_
namespace gemtune::kernels::internal {

inline constexpr int64_t kGemvTile = 8;     // rows of W that are read side by side
inline constexpr int64_t kGemvDepth = 512;  // of W that stays in the first cache; a multiple of every block
inline constexpr int64_t kGemvRows = 32;    // of x that see a piece of W while it is there
inline constexpr int64_t kGemvPad = 16;     // x is padded with zeros to a whole vector

// A term with its x as padded fp32 rows.
struct GemvOperands {
  const float* x;
  int64_t padded;  // width of x's rows
  int64_t columns;
  std::span<const BlockMatrix> w;
};

}  // namespace gemtune::kernels::internal
#endif  // GEMTUNE_KERNELS_GEMV_SHARED_

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

using internal::GemvOperands;
using internal::kGemvDepth;
using internal::kGemvRows;
using internal::kGemvTile;

constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Wide()));
// As many as there are registers for the sums: 24 with AVX-512, else 8.
constexpr int64_t kRowsAtOnce = kLanes >= 16 ? 3 : 1;

// Row `row` of stacked matrices.
struct BlockRow {
  BlockType type;
  const std::byte* blocks;
};
inline BlockRow RowAt(std::span<const BlockMatrix> pieces, int64_t row) {
  for (const BlockMatrix& piece : pieces) {
    if (row < piece.rows) return {piece.type, piece.blocks + row * RowBytes(piece.type, piece.columns)};
    row -= piece.rows;
  }
  return {};
}

// sums [kRows][kGemvTile][kLanes] += rows of x times rows of W, lane by lane. One sum for each pair: the
// order is that of a single row.
template <int64_t kRows, typename W>
void Accumulate(int64_t depth, const float* x, int64_t x_stride, const W* const* w, int64_t ahead,
                float* sums) {
  const Wide d;
  hn::Vec<Wide> sum[kRows][kGemvTile];
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t o = 0; o < kGemvTile; ++o) sum[r][o] = hn::LoadU(d, sums + (r * kGemvTile + o) * kLanes);
  }
  for (int64_t i = 0; i < depth; i += kLanes) {
    hn::Vec<Wide> left[kRows];
    for (int64_t r = 0; r < kRows; ++r) left[r] = hn::LoadU(d, x + r * x_stride + i);
    for (int64_t o = 0; o < kGemvTile; ++o) {
      if (ahead != 0) hwy::Prefetch(w[o] + i + ahead);
      const auto right = LoadFloat(d, w[o] + i);
      for (int64_t r = 0; r < kRows; ++r) sum[r][o] = hn::MulAdd(left[r], right, sum[r][o]);
    }
  }
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t o = 0; o < kGemvTile; ++o) hn::StoreU(sum[r][o], d, sums + (r * kGemvTile + o) * kLanes);
  }
}

template <typename W>
void AccumulateRows(int64_t rows, int64_t depth, const float* x, int64_t x_stride, const W* const* w,
                    int64_t ahead, float* sums) {
  const auto run = [&]<int64_t kRows>(int64_t row) {
    Accumulate<kRows>(depth, x + row * x_stride, x_stride, w, row == 0 ? ahead : 0,
                      sums + row * kGemvTile * kLanes);
  };
  int64_t row = 0;
  for (; row + kRowsAtOnce <= rows; row += kRowsAtOnce) run.template operator()<kRowsAtOnce>(row);
  for (; row < rows; ++row) run.template operator()<1>(row);
}

// Takes a block's floats into the sum of one row of W times x.
struct AddProducts {
  const float* x;
  hn::Vec<Wide>& sum;
  HWY_INLINE void operator()(Wide d, int64_t i, hn::Vec<Wide> v) const {
    sum = hn::MulAdd(hn::LoadU(d, x + i), v, sum);
  }
};

// Accumulate for one row of x and W in blocks, which never leave the registers: the same sums.
template <class Block>
void AccumulateBlocks(int64_t depth, const float* x, const BlockTypeInfo& info, const std::byte* const* w,
                      int64_t ahead, float* sums) {
  const Wide d;
  constexpr int64_t kAtOnce = 4;  // independent sums
  for (int64_t o = 0; o < kGemvTile; o += kAtOnce) {
    hn::Vec<Wide> sum[kAtOnce];
    for (int64_t r = 0; r < kAtOnce; ++r) sum[r] = hn::LoadU(d, sums + (o + r) * kLanes);
    for (int64_t i = 0, at = 0; i < depth; i += info.elements, at += info.bytes) {
      for (int64_t r = 0; r < kAtOnce; ++r) {
        for (int64_t line = 0; line < info.bytes; line += 64) hwy::Prefetch(w[o + r] + at + ahead + line);
        AddProducts products{x + i, sum[r]};
        Block::Expand(w[o + r] + at, products);
      }
    }
    for (int64_t r = 0; r < kAtOnce; ++r) hn::StoreU(sum[r], d, sums + (o + r) * kLanes);
  }
}

// Where a tile's rows of W are read: in place if they are plain numbers, a whole number of vectors and
// (unless they are fp32) needed once, else expanded.
class Tile {
 public:
  Tile(const GemvOperands& term, int64_t begin, int64_t end, float* expanded)
      : columns_(term.columns), expanded_(expanded) {
    for (int64_t o = 0; o < kGemvTile; ++o) rows_[o] = RowAt(term.w, std::min(begin + o, end - 1));
  }

  void AddTo(float* sums, int64_t rows, const float* x, int64_t x_stride, int64_t begin,
             int64_t depth) const {
    const int64_t whole = RoundUp(depth, kLanes);
    if (whole == depth && AllAre(BlockType::kF32))
      return InPlace<float>(sums, rows, x, x_stride, begin, depth);
    if (whole == depth && rows <= kRowsAtOnce && AllAre(BlockType::kBF16))
      return InPlace<BFloat16>(sums, rows, x, x_stride, begin, depth);
    const BlockTypeInfo& info = Info(rows_[0].type);
    if (rows == 1 && info.elements > 1 && AllAre(info.type)) {
      const std::byte* blocks[kGemvTile];
      for (int64_t o = 0; o < kGemvTile; ++o) {
        blocks[o] = At(o, begin);
      }
      WithBlock(info.type, [&]<class Block>(Block) HWY_ATTR {
        AccumulateBlocks<Block>(depth, x, info, blocks, kGemvTile * RowBytes(info.type, columns_), sums);
      });
      return;
    }
    const float* w[kGemvTile];
    for (int64_t o = 0; o < kGemvTile; ++o) {
      float* to = expanded_ + o * kGemvDepth;
      Prefetch(At(o, begin) + kGemvTile * RowBytes(rows_[o].type, columns_), RowBytes(rows_[o].type, depth));
      Dequantize(rows_[o].type, At(o, begin), depth, to);
      std::fill(to + depth, to + whole, 0.0f);
      w[o] = to;
    }
    AccumulateRows(rows, whole, x, x_stride, w, /*ahead=*/0, sums);
  }

 private:
  const std::byte* At(int64_t o, int64_t begin) const {
    return rows_[o].blocks + RowBytes(rows_[o].type, begin);
  }
  static void Prefetch(const std::byte* p, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) hwy::Prefetch(p + i);
  }
  bool AllAre(BlockType type) const {
    return std::ranges::all_of(rows_, [type](const BlockRow& row) { return row.type == type; });
  }

  template <typename W>
  void InPlace(float* sums, int64_t rows, const float* x, int64_t x_stride, int64_t begin,
               int64_t depth) const {
    const W* w[kGemvTile];
    for (int64_t o = 0; o < kGemvTile; ++o) w[o] = reinterpret_cast<const W*>(At(o, begin));
    AccumulateRows(rows, depth, x, x_stride, w, kGemvTile * columns_, sums);
  }

  const int64_t columns_;
  float* const expanded_;
  std::array<BlockRow, kGemvTile> rows_;
};

// Columns [begin, end) of y, at most a tile, for at most kGemvRows rows from `row` on.
void MultiplyTile(int64_t row, int64_t rows, int64_t begin, int64_t end, std::span<const GemvOperands> terms,
                  float* expanded, float* sums, Floats y, int64_t y_stride) {
  std::fill_n(sums, rows * kGemvTile * kLanes, 0.0f);
  for (const GemvOperands& term : terms) {
    const Tile tile(term, begin, end, expanded);
    for (int64_t k = 0; k < term.columns; k += kGemvDepth) {
      tile.AddTo(sums, rows, term.x + row * term.padded + k, term.padded, k,
                 std::min(kGemvDepth, term.columns - k));
    }
  }
  const Wide d;
  WithTypeOf(
      [&]<typename T>(T) {
        for (int64_t r = 0; r < rows; ++r) {
          T* to = static_cast<T*>(y.data()) + (row + r) * y_stride + begin;
          for (int64_t o = 0; o < end - begin; ++o) {
            const auto sum = hn::SumOfLanes(d, hn::LoadU(d, sums + (r * kGemvTile + o) * kLanes));
            StoreFloat(hn::Set(One(), hn::GetLane(sum)), One(), to + o);
          }
        }
      },
      y);
}

// Tiles [begin, end) of y's columns.
void MultiplyTiles(int64_t rows, int64_t out, int64_t begin, int64_t end, std::span<const GemvOperands> terms,
                   Floats y, int64_t y_stride) {
  const auto expanded = Buffer<float>(kGemvTile * kGemvDepth);
  const auto sums = Buffer<float>(std::min(rows, kGemvRows) * kGemvTile * kLanes);
  for (int64_t tile = begin; tile < end; ++tile) {
    const int64_t first = tile * kGemvTile, last = std::min(out, first + kGemvTile);
    for (int64_t row = 0; row < rows; row += kGemvRows) {
      MultiplyTile(row, std::min(kGemvRows, rows - row), first, last, terms, expanded.get(), sums.get(), y,
                   y_stride);
    }
  }
}

// x as fp32 rows that are padded with zeros.
void PadRows(int64_t rows, int64_t columns, ConstFloats x, int64_t x_stride, float* to, int64_t padded) {
  WithTypeOf(
      [&]<typename T>(T) {
        for (int64_t r = 0; r < rows; ++r, to += padded) {
          const T* from = static_cast<const T*>(x.data()) + r * x_stride;
          ForEachVector(columns,
                        [&](auto d, int64_t i) HWY_ATTR { hn::StoreU(LoadFloat(d, from + i), d, to + i); });
          std::fill(to + columns, to + padded, 0.0f);
        }
      },
      x);
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {
namespace {

using internal::GemvOperands;
using internal::kGemvPad;
using internal::kGemvTile;

HWY_EXPORT(MultiplyTiles);
HWY_EXPORT(PadRows);

}  // namespace

void Gemv(int64_t rows, int64_t out, std::span<const GemvTerm> terms, Floats y, int64_t y_stride) {
  if (rows == 0) return;
  std::vector<GemvOperands> operands;
  std::vector<hwy::AlignedFreeUniquePtr<float[]>> padded_rows;
  int64_t depth = 0;
  for (const GemvTerm& term : terms) {
    const int64_t columns = term.w.front().columns, padded = RoundUp(columns, kGemvPad);
    int64_t height = 0;
    for (const BlockMatrix& piece : term.w) {
      GEMTUNE_CHECK(piece.columns == columns);
      height += piece.rows;
    }
    GEMTUNE_CHECK(height == out && term.x.is_bf16() == y.is_bf16());
    padded_rows.push_back(Buffer<float>(rows * padded));
    HWY_DYNAMIC_DISPATCH(PadRows)(rows, columns, term.x, term.x_stride, padded_rows.back().get(), padded);
    operands.push_back({.x = padded_rows.back().get(), .padded = padded, .columns = columns, .w = term.w});
    depth += columns;
  }
  ParallelFor(CeilDiv(out, kGemvTile), GrainRows(1, rows * depth * kGemvTile),
              [&](int64_t begin, int64_t end) {
                HWY_DYNAMIC_DISPATCH(MultiplyTiles)(rows, out, begin, end, operands, y, y_stride);
              });
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
