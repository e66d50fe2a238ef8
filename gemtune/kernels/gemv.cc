#include "gemtune/kernels/gemv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/gemv.cc"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"
#include "gemtune/kernels/buffer.h"
#include "gemtune/kernels/gemv_tile.h"
#include "gemtune/kernels/instruction_set.h"
#include "gemtune/kernels/quant_blocks-inl.h"
#include "gemtune/kernels/simd-inl.h"

#ifndef GEMTUNE_KERNELS_GEMV_SHARED_
#define GEMTUNE_KERNELS_GEMV_SHARED_
namespace gemtune::kernels::internal {

// Columns of fp32 of W that stay in the first cache; a multiple of every block.
inline constexpr int64_t kGemvDepth = 512;
inline constexpr int64_t kGemvRows = 32;  // of x that see a piece of W while it is there
inline constexpr int64_t kGemvPad = 16;   // x is padded with zeros to a whole vector

// A part of W.
struct GemvPiece {
  const BlockTypeInfo* info;
  const std::byte* blocks;
  int64_t rows, row_bytes;
};

// A term with its x as padded fp32 rows, and as it was given if that can be multiplied by a W of the same
// type.
struct GemvOperands {
  const float* x;
  int64_t padded;  // width of x's rows
  const BFloat16* given;
  int64_t given_stride;
  int64_t columns;
  std::vector<GemvPiece> w;
};

// Some of its rows, from one of its columns on.
struct GemvRows {
  const GemvOperands& term;
  int64_t row, rows, begin;

  const float* x() const { return term.x + row * term.padded + begin; }
  const BFloat16* given() const { return term.given + row * term.given_stride + begin; }
};

}  // namespace gemtune::kernels::internal
#endif  // GEMTUNE_KERNELS_GEMV_SHARED_

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

using internal::GemvOperands;
using internal::GemvPiece;
using internal::GemvRows;
using internal::kGemvDepth;
using internal::kGemvRows;
using internal::kGemvTile;

constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Wide()));
// As many as there are registers for the sums: 24 with AVX-512, else 8.
constexpr int64_t kRowsAtOnce = kLanes >= 16 ? 3 : 1;

// sums [kRows][kGemvTile][kLanes] += rows of x times rows of W, lane by lane; they begin at zero if
// `is_first`. One sum for each pair: the order is that of a single row.
template <int64_t kRows, typename W>
void Accumulate(int64_t depth, const float* x, int64_t x_stride, const W* const* w, int64_t ahead,
                bool is_first, float* sums) {
  const Wide d;
  hn::Vec<Wide> sum[kRows][kGemvTile];
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t o = 0; o < kGemvTile; ++o)
      sum[r][o] = is_first ? hn::Zero(d) : hn::LoadU(d, sums + (r * kGemvTile + o) * kLanes);
  }
  for (int64_t i = 0; i < depth; i += kLanes) {
    hn::Vec<Wide> left[kRows];
    for (int64_t r = 0; r < kRows; ++r) left[r] = hn::LoadU(d, x + r * x_stride + i);
    for (int64_t o = 0; o < kGemvTile; ++o) {
      if (ahead != 0) internal::Fetch(w[o] + i + ahead);
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
                    int64_t ahead, bool is_first, float* sums) {
  const auto run = [&]<int64_t kRows>(int64_t row) {
    Accumulate<kRows>(depth, x + row * x_stride, x_stride, w, row == 0 ? ahead : 0, is_first,
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
void AccumulateBlocks(int64_t depth, const float* x, const std::byte* const* w, int64_t ahead, bool is_first,
                      float* sums) {
  const Wide d;
  constexpr int64_t kAtOnce = 4;  // independent sums
  for (int64_t o = 0; o < kGemvTile; o += kAtOnce) {
    hn::Vec<Wide> sum[kAtOnce];
    for (int64_t r = 0; r < kAtOnce; ++r)
      sum[r] = is_first ? hn::Zero(d) : hn::LoadU(d, sums + (o + r) * kLanes);
    for (int64_t i = 0, at = 0; i < depth; i += Block::kElements, at += Block::kBytes) {
      for (int64_t r = 0; r < kAtOnce; ++r) {
        for (int64_t line = 0; line < Block::kBytes; line += 64)
          internal::Fetch(w[o + r] + at + ahead + line);
        AddProducts products{x + i, sum[r]};
        Block::Expand(w[o + r] + at, products);
      }
    }
    for (int64_t r = 0; r < kAtOnce; ++r) hn::StoreU(sum[r], d, sums + (o + r) * kLanes);
  }
}

// Rows of W, and how they are multiplied: in place where they are of one type and needed once or twice, else
// expanded. (fp32 rows some power of two apart, in place and needed often, would throw each other out of the
// cache.) All ways add up in the same order.
class Tile {
 public:
  // Rows [begin, end), for some rows of x.
  Tile(const GemvOperands& term, int64_t begin, int64_t end, int64_t rows, float* expanded)
      : term_(term), expanded_(expanded) {
    for (int64_t o = 0; o < kGemvTile; ++o) {
      int64_t row = std::min(begin + o, end - 1);
      auto piece = term.w.begin();
      for (; row >= piece->rows; ++piece) row -= piece->rows;
      pieces_[o] = &*piece;
      rows_[o] = piece->blocks + row * piece->row_bytes;
    }
    way_ = WayFor(rows);
    if (rows <= kRowsAtOnce && way_ != Way::kExpanded) {
      depth_ = term.columns;
    } else {
      depth_ = way_ == Way::kPairs ? 2 * kGemvDepth : kGemvDepth;  // as many bytes
    }
  }

  // Columns to be taken at a time: all, or as many as stay in the cache.
  int64_t depth() const { return depth_; }

  // sums += the products of `depth` columns; they begin at zero if `is_first`.
  void AddTo(float* sums, const GemvRows& x, int64_t depth, bool is_first) const {
    switch (way_) {
      case Way::kPairs: {
        const BFloat16* w[kGemvTile];
        return internal::AccumulateBFloat16(x.rows, depth, x.given(), term_.given_stride, InPlace(x.begin, w),
                                            Ahead<BFloat16>(), is_first, sums);
      }
      case Way::kBFloats: {
        const BFloat16* w[kGemvTile];
        return AccumulateRows(x.rows, depth, x.x(), term_.padded, InPlace(x.begin, w), Ahead<BFloat16>(),
                              is_first, sums);
      }
      case Way::kFloats: {
        const float* w[kGemvTile];
        return AccumulateRows(x.rows, depth, x.x(), term_.padded, InPlace(x.begin, w), Ahead<float>(),
                              is_first, sums);
      }
      case Way::kBlocks:
        return InBlocks(sums, x, depth, is_first);
      case Way::kExpanded:
        return Expanded(sums, x, depth, is_first);
    }
  }

 private:
  enum class Way { kPairs, kBFloats, kFloats, kBlocks, kExpanded };

  Way WayFor(int64_t rows) const {
    const BlockTypeInfo& info = *pieces_[0]->info;
    const bool is_uniform =
        std::ranges::all_of(pieces_, [&](const GemvPiece* piece) { return piece->info == &info; });
    if (!is_uniform) return Way::kExpanded;
    if (info.type == BlockType::kBF16 && term_.given != nullptr && kLanes == 16) return Way::kPairs;
    if (term_.columns % kLanes != 0) return Way::kExpanded;
    if (info.type == BlockType::kBF16 && rows <= kRowsAtOnce) return Way::kBFloats;
    if (info.type == BlockType::kF32 && rows <= kRowsAtOnce) return Way::kFloats;
    return info.elements > 1 && rows == 1 ? Way::kBlocks : Way::kExpanded;
  }

  template <typename W>
  const W* const* InPlace(int64_t begin, const W** w) const {
    for (int64_t o = 0; o < kGemvTile; ++o) w[o] = reinterpret_cast<const W*>(rows_[o]) + begin;
    return w;
  }
  template <typename W>
  int64_t Ahead() const {
    return internal::kGemvAhead * pieces_[0]->row_bytes / static_cast<int64_t>(sizeof(W));
  }

  void InBlocks(float* sums, const GemvRows& x, int64_t depth, bool is_first) const {
    const BlockTypeInfo& info = *pieces_[0]->info;
    const std::byte* w[kGemvTile];
    const int64_t offset = x.begin / info.elements * info.bytes;
    for (int64_t o = 0; o < kGemvTile; ++o) w[o] = rows_[o] + offset;
    WithBlock(info.type, [&]<class Block>(Block) HWY_ATTR {
      AccumulateBlocks<Block>(depth, x.x(), w, internal::kGemvAhead * pieces_[0]->row_bytes, is_first, sums);
    });
  }

  void Expanded(float* sums, const GemvRows& x, int64_t depth, bool is_first) const {
    const float* w[kGemvTile];
    const int64_t padded = RoundUp(depth, kLanes);
    for (int64_t o = 0; o < kGemvTile; ++o) {
      float* to = expanded_ + o * kGemvDepth;
      const BlockTypeInfo& info = *pieces_[o]->info;
      const std::byte* from = rows_[o] + x.begin / info.elements * info.bytes;
      for (int64_t line = 0; line < depth / info.elements * info.bytes; line += 64)
        internal::Fetch(from + internal::kGemvAhead * pieces_[o]->row_bytes + line);
      Dequantize(info.type, from, depth, to);
      std::fill(to + depth, to + padded, 0.0f);
      w[o] = to;
    }
    AccumulateRows(x.rows, padded, x.x(), term_.padded, w, /*ahead=*/0, is_first, sums);
  }

  const GemvOperands& term_;
  float* const expanded_;
  std::array<const GemvPiece*, kGemvTile> pieces_;
  std::array<const std::byte*, kGemvTile> rows_;
  Way way_;
  int64_t depth_;
};

// The sums of the lanes of kGemvTile vectors. Neighbouring lanes are added for all vectors together, which
// takes a fifth of the shuffles that summing one vector after the other does.
void SumLanes(const float* sums, float* to) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (kLanes >= kGemvTile) {
    const hn::CappedTag<float, kGemvTile> d;
    hn::Vec<decltype(d)> v[kGemvTile];
    for (int64_t o = 0; o < kGemvTile; ++o) {
      v[o] = hn::LoadU(d, sums + o * kLanes);
      for (int64_t lane = kGemvTile; lane < kLanes; lane += kGemvTile)
        v[o] = hn::Add(v[o], hn::LoadU(d, sums + o * kLanes + lane));
    }
    for (int64_t n = kGemvTile; n > 1; n /= 2) {
      for (int64_t i = 0; i < n / 2; ++i) {
        v[i] = hn::Add(hn::ConcatEven(d, v[2 * i + 1], v[2 * i]), hn::ConcatOdd(d, v[2 * i + 1], v[2 * i]));
      }
    }
    hn::StoreU(v[0], d, to);
    return;
  }
#endif
  const Wide d;
  for (int64_t o = 0; o < kGemvTile; ++o)
    to[o] = hn::GetLane(hn::SumOfLanes(d, hn::LoadU(d, sums + o * kLanes)));
}

// Columns [begin, end) of y, at most a tile, for at most kGemvRows rows from `row` on.
void MultiplyTile(int64_t row, int64_t rows, int64_t begin, int64_t end, std::span<const GemvOperands> terms,
                  float* expanded, float* sums, Floats y, int64_t y_stride) {
  bool is_first = true;
  for (const GemvOperands& term : terms) {
    const Tile tile(term, begin, end, rows, expanded);
    for (int64_t k = 0; k < term.columns; k += tile.depth())
      tile.AddTo(sums, {term, row, rows, k}, std::min(tile.depth(), term.columns - k),
                 std::exchange(is_first, false));
  }
  WithTypeOf(
      [&]<typename T>(T) {
        for (int64_t r = 0; r < rows; ++r) {
          T* to = static_cast<T*>(y.data()) + (row + r) * y_stride + begin;
          HWY_ALIGN float columns[kGemvTile];
          SumLanes(sums + r * kGemvTile * kLanes, columns);
          const hn::CappedTag<float, kGemvTile> some;
          const auto width = static_cast<int64_t>(hn::Lanes(some));
          int64_t o = 0;
          for (; o + width <= end - begin; o += width) StoreFloat(hn::LoadU(some, columns + o), some, to + o);
          for (; o < end - begin; ++o) StoreFloat(hn::LoadU(One(), columns + o), One(), to + o);
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
using internal::GemvPiece;
using internal::kGemvPad;
using internal::kGemvTile;

HWY_EXPORT(MultiplyTiles);
HWY_EXPORT(PadRows);

}  // namespace

#if !defined(__x86_64__)
void internal::AccumulateBFloat16(int64_t, int64_t, const BFloat16*, int64_t, const BFloat16* const*, int64_t,
                                  bool, float*) {
  GEMTUNE_CHECK(false);  // HaveAvx512Bf16() is
}
#endif

void Gemv(int64_t rows, int64_t out, std::span<const GemvTerm> terms, Floats y, int64_t y_stride) {
  if (rows == 0) return;
  std::vector<GemvOperands> operands;
  std::vector<BufferPointer<float>> padded_rows;
  int64_t depth = 0;
  for (const GemvTerm& term : terms) {
    const int64_t columns = term.w.front().columns, padded = RoundUp(columns, kGemvPad);
    int64_t height = 0;
    std::vector<GemvPiece> pieces;
    for (const BlockMatrix& piece : term.w) {
      GEMTUNE_CHECK(piece.columns == columns);
      height += piece.rows;
      pieces.push_back({&Info(piece.type), piece.blocks, piece.rows, RowBytes(piece.type, columns)});
    }
    GEMTUNE_CHECK(height == out && term.x.is_bf16() == y.is_bf16());
    padded_rows.push_back(Buffer<float>(rows * padded));
    HWY_DYNAMIC_DISPATCH(PadRows)(rows, columns, term.x, term.x_stride, padded_rows.back().get(), padded);
    const bool is_native = term.x.is_bf16() && HaveAvx512Bf16();
    operands.push_back({.x = padded_rows.back().get(),
                        .padded = padded,
                        .given = is_native ? static_cast<const BFloat16*>(term.x.data()) : nullptr,
                        .given_stride = term.x_stride,
                        .columns = columns,
                        .w = std::move(pieces)});
    depth += columns;
  }
  ParallelFor(CeilDiv(out, kGemvTile), GrainRows(1, rows * depth * kGemvTile),
              [&](int64_t begin, int64_t end) {
                HWY_DYNAMIC_DISPATCH(MultiplyTiles)(rows, out, begin, end, operands, y, y_stride);
              });
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
