#include "gemtune/kernels/gemm.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gemtune/base/error.h"
#include "gemtune/base/parallel.h"
#include "gemtune/base/round_up.h"
#include "gemtune/kernels/block_gemm.h"
#include "gemtune/kernels/instruction_set.h"
#include "gemtune/kernels/pack_operand.h"
#include "gemtune/kernels/row_blocks.h"

namespace gemtune::kernels {
namespace {

constexpr int64_t kStripe = 6 * kPanelColumns;  // columns that an engine works on at a time
// For A's rows, which stay in the second cache; fp32's engine goes through them a chunk of depth at a time.
template <typename E>
constexpr int64_t kBlockBytes = (std::is_same_v<E, float> ? 1600 : 400) << 10;
constexpr int64_t kMinBlockRows = 4 * kPanelColumns;
constexpr int64_t kMaxBlockRows = 12 * kPanelColumns;
constexpr int64_t kBlocksAThread = 8;       // at least, so that all threads end at about the same time
constexpr int64_t kChunkDepth = 256;        // for a transposed A times one stripe
constexpr int64_t kPackedBytes = 16 << 20;  // of B, so that a vocabulary is not in memory twice

enum class Products { kFaster, kOwn, kLibrary };

Products AllowedProducts() {
  const char* const variable = "GEMTUNE_GEMM";
  const char* const value = std::getenv(variable);
  const std::string_view name = value == nullptr ? "auto" : value;
  if (name == "auto") return Products::kFaster;
  if (name == "own") return Products::kOwn;
  if (name == "library") return Products::kLibrary;
  Fail("the environment variable {} is '{}'; set it to auto, own or library, or not at all", variable,
       Printable(name));
}

// Wᵀ: 16 rows of W are a panel.
template <typename E, typename S>
void PackTransposed(const GemmEngine<E, S>& engine, int64_t k, int64_t n, std::span<const BlockMatrix> w,
                    E* packed) {
  ParallelFor(PaddedColumns(n) / kPanelColumns, 4, [&](int64_t begin, int64_t end) {
    const auto rows = Buffer<S>(kPanelColumns * k);
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t row = panel * kPanelColumns, count = std::min(kPanelColumns, n - row);
      DequantizeRows(w, row, row + count, rows.get());
      engine.pack_columns(k, count, rows.get(), k, packed + panel * PanelStride(k));
    }
  });
}

// W: 32 rows are a part of every panel. Going panel by panel would expand each row n / 16 times.
template <typename E, typename S>
void PackPlain(const GemmEngine<E, S>& engine, int64_t k, int64_t n, std::span<const BlockMatrix> w,
               E* packed) {
  ParallelFor(PaddedDepth(k) / kDepthStep, 1, [&](int64_t begin, int64_t end) {
    const auto rows = Buffer<S>(kDepthStep * n);
    for (int64_t step = begin; step < end; ++step) {
      const int64_t row = step * kDepthStep, count = std::min(kDepthStep, k - row);
      DequantizeRows(w, row, row + count, rows.get());
      E* to = packed + row * kPanelColumns;
      for (int64_t column = 0; column < n; column += kPanelColumns, to += PanelStride(k)) {
        engine.pack_rows(count, std::min(kPanelColumns, n - column), rows.get() + column, n, to);
      }
    }
  });
}

template <typename E, typename S>
BufferPointer<E> Pack(const GemmEngine<E, S>& engine, int64_t k, int64_t n, const BlockOperand& b) {
  auto packed = Buffer<E>(PackedSize(k, n));
  if (b.transposed) {
    PackTransposed(engine, k, n, b.pieces, packed.get());
  } else {
    PackPlain(engine, k, n, b.pieces, packed.get());
  }
  return packed;
}

// One product A · B of a sum, of an engine's numbers E that are S in memory. B is packed as a whole, and so
// is a transposed A, in B's format, so that the engine finds 16 rows side by side. Other rows of A are read
// in place in bf16, else copied block by block: a tile reads one number of each, and rows a power of two
// apart would drive one another out of the first cache.
template <typename E, typename S>
class Term {
 public:
  template <typename B>
  Term(const GemmEngine<E, S>& engine, int64_t m, int64_t n, int64_t k, const GemmOperand& a, const B& b)
      : engine_(engine),
        k_(k),
        a_(static_cast<const S*>(a.data.data())),
        a_stride_(a.stride),
        a_transposed_(a.transposed),
        // With few columns A is read only once: it is packed a few depths at a time, which stay in the cache.
        chunk_(a.transposed && n <= kStripe ? kChunkDepth : k),
        packed_(Pack(engine, k, n, b)) {
    if (kIsFloat && a_transposed_ && n > kStripe)
      packed_a_ = Pack(engine, k, m, GemmOperand{a.data, a.stride});
  }

  int64_t k() const { return k_; }

  // How much of the depth Take can take.
  int64_t chunk() const { return chunk_; }

  // Whether Take packs.
  bool packs_blocks() const { return a_transposed_ && packed_a_ == nullptr; }

  // Some rows of A in the engine's format, and the depth at which they begin; a copy if they are not in that
  // format in memory.
  struct Rows {
    GemmBlock<E> block;
    int64_t depth;
    BufferPointer<E> copy;
  };

  // Depths [begin, end), at most a chunk; begin a multiple of kDepthStep.
  Rows Take(int64_t row, int64_t rows, int64_t begin, int64_t end) const {
    const int64_t padded_rows = RoundUp(rows, kPanelColumns),
                  depth = RoundUp(end - begin, engine_.depth_step);
    Rows taken{.block = {.m = padded_rows, .k = depth, .panel_stride = PanelStride(k_), .ldc = kStripe},
               .depth = begin};
    GemmBlock<E>& block = taken.block;
    if (a_transposed_) {
      block.lda = kPacked<E>;
      block.a_step = kPacked<E> * kPanelColumns;
      if (packed_a_ != nullptr) {
        block.a = packed_a_.get() + row / kPanelColumns * PanelStride(k_);
        block.a_panel = PanelStride(k_);
        return taken;
      }
      taken.copy = Buffer<E>(PackedSize(end - begin, rows));
      engine_.pack_rows(end - begin, rows, a_ + begin * a_stride_ + row, a_stride_, taken.copy.get());
      block.a = taken.copy.get();
      block.a_panel = PanelStride(end - begin);
      return taken;
    }
    if constexpr (std::is_same_v<E, S>) {
      const bool collides = kIsFloat && a_stride_ * int64_t{sizeof(float)} % kCollision == 0;
      if (padded_rows == rows && depth == k_ && !collides) {
        block.a = a_ + row * a_stride_;
        block.lda = a_stride_;
        block.a_panel = kPanelColumns * a_stride_;
        return taken;
      }
    }
    const int64_t lda = depth + kRowPadding;
    taken.copy = Buffer<E>(padded_rows * lda);
    for (int64_t i = 0; i < padded_rows; ++i) {
      const int64_t filled = i < rows ? k_ : 0;
      E* to = taken.copy.get() + i * lda;
      CopyRow(filled, a_ + (row + i) * a_stride_, to);
      std::fill(to + filled, to + depth, E{});
    }
    block.a = taken.copy.get();
    block.lda = lda;
    block.a_panel = kPanelColumns * lda;
    return taken;
  }

  // The place of a stripe's sums, and where the engine stores them if they are complete and fill whole tiles.
  struct Target {
    float* sums;
    E* out;
    int64_t out_stride;
  };

  // sums [rows, width] (+)= those rows times the columns of a stripe.
  void Multiply(const Rows& rows, int64_t stripe, int64_t width, bool accumulate,
                const Target& target) const {
    GemmBlock<E> block = rows.block;
    block.n = PaddedColumns(width);
    block.ldout = target.out_stride;
    block.b = packed_.get() + stripe / kPanelColumns * PanelStride(k_) + rows.depth * kPanelColumns;
    block.accumulate = accumulate;
    block.c = target.sums;
    block.out = target.out;
    engine_.gemm(block);
  }

 private:
  static constexpr bool kIsFloat = std::is_same_v<E, float>;
  static constexpr int64_t kRowPadding = kIsFloat ? 16 : 0;  // a cache line
  static constexpr int64_t kCollision = 2 << 10;  // two rows so far apart share a set of the first cache

  const GemmEngine<E, S>& engine_;
  const int64_t k_;
  const S* a_;
  const int64_t a_stride_;
  const bool a_transposed_;
  const int64_t chunk_;
  BufferPointer<E> packed_, packed_a_;
};

// The sum of the terms, in blocks of rows and columns of the result, each computed by one thread.
template <typename E, typename S>
class Product {
 public:
  Product(const GemmEngine<E, S>& engine, int64_t m, int64_t n, S* out, int64_t out_stride)
      : engine_(engine), m_(m), n_(n), out_(out), out_stride_(out_stride) {}

  template <typename B>
  void Add(int64_t k, const GemmOperand& a, const B& b) {
    terms_.emplace_back(engine_, m_, n_, k, a, b);
  }

  void Run() const {
    const Term<E, S>& first = terms_.front();
    const int64_t fitting =
        kBlockBytes<E> / (std::min(PaddedDepth(first.k()), first.chunk()) * static_cast<int64_t>(sizeof(E)));
    const int64_t wanted = kBlocksAThread * NumThreads();
    const int64_t most = std::clamp(std::min(fitting, m_ / wanted) / kPanelColumns * kPanelColumns,
                                    kMinBlockRows, kMaxBlockRows);
    const int64_t rows = EvenBlockRows(m_, most, kPanelColumns), down = CeilDiv(m_, rows);
    // What a block packs is packed only once.
    const int64_t across = first.packs_blocks() ? 1 : std::min(CeilDiv(wanted, down), CeilDiv(n_, kStripe));
    const int64_t columns = RoundUp(CeilDiv(n_, across), kStripe);
    ParallelForEach(down * CeilDiv(n_, columns), m_ * n_ * first.k(), [&](int64_t i) {
      const int64_t row = i % down * rows, column = i / down * columns;
      Block(row, std::min(rows, m_ - row), column, std::min(columns, n_ - column));
    });
  }

 private:
  void Block(int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    const EngineScope<E, S> scope(engine_);
    const int64_t padded_rows = RoundUp(rows, kPanelColumns);
    const auto sums = Buffer<float>(padded_rows * kStripe);
    if (columns <= kStripe) {
      Sum sum{*this, row, rows, column, columns, sums.get()};
      for (const Term<E, S>& term : terms_) {
        for (int64_t begin = 0; begin < term.k(); begin += term.chunk()) {
          const int64_t end = std::min(term.k(), begin + term.chunk());
          sum.Add(term, term.Take(row, rows, begin, end), &term == &terms_.back() && end == term.k());
        }
      }
      return;
    }
    std::vector<typename Term<E, S>::Rows> left;
    for (const Term<E, S>& term : terms_) left.push_back(term.Take(row, rows, 0, term.k()));
    for (int64_t stripe = column; stripe < column + columns; stripe += kStripe) {
      Sum sum{*this, row, rows, stripe, std::min(kStripe, column + columns - stripe), sums.get()};
      for (size_t t = 0; t < terms_.size(); ++t) sum.Add(terms_[t], left[t], t + 1 == terms_.size());
    }
  }

  // Some rows of a stripe, product after product. If its sums are whole tiles of the result, the last product
  // rounds them into it while they are in registers.
  struct Sum {
    const Product& product;
    int64_t row, rows, column, columns;
    float* sums;
    bool accumulate = false;

    void Add(const Term<E, S>& term, const typename Term<E, S>::Rows& left, bool is_last) {
      const int64_t padded_rows = RoundUp(rows, kPanelColumns), stride = product.out_stride_;
      S* out = product.out_ + row * stride + column;
      E* whole = nullptr;
      if constexpr (std::is_same_v<E, S>) {
        if (is_last && rows == padded_rows && columns == PaddedColumns(columns)) whole = out;
      }
      term.Multiply(left, column, columns, std::exchange(accumulate, true),
                    {.sums = sums, .out = whole, .out_stride = stride});
      if (is_last && whole == nullptr) product.engine_.store(rows, columns, sums, kStripe, out, stride);
    }
  };

  const GemmEngine<E, S>& engine_;
  const int64_t m_, n_;
  std::vector<Term<E, S>> terms_;
  S* out_;
  const int64_t out_stride_;
};

template <typename B>
void Multiply(int64_t m, int64_t n, int64_t k, const GemmOperand& a, const B& b, Floats out,
              int64_t out_stride, const GemmTerm* added) {
  const auto run = [&]<typename E, typename S>(const GemmEngine<E, S>& engine) {
    Product<E, S> product(engine, m, n, static_cast<S*>(out.data()), out_stride);
    product.Add(k, a, b);
    if (added != nullptr) product.Add(added->k, added->a, added->b);
    product.Run();
  };
  WithTypeOf([](auto) {}, a.data, out);
  if (added != nullptr) WithTypeOf([](auto) {}, added->a.data, added->b.data, out);
  WithGemmEngine(out.is_bf16(), run);
}

// An operand from a row or column on, which are the rows in memory or not.
GemmOperand From(int64_t begin, const GemmOperand& x, bool is_row) {
  return {x.data + begin * (is_row ? x.stride : 1), x.stride, x.transposed};
}

}  // namespace

bool GemmIsFast(bool is_bf16) {
  static const Products products = AllowedProducts();
  if (!HaveAvx2() || products == Products::kLibrary) return false;
  return products == Products::kOwn || (is_bf16 ? !HaveAmxBf16() : IsAmd());
}

void Gemm(int64_t m, int64_t n, int64_t k, const GemmOperand& a, const GemmOperand& b, Floats out,
          int64_t out_stride, const GemmTerm* added) {
  WithTypeOf([](auto) {}, b.data, out);
  // In parts of what is packed as a whole and can be large.
  const auto part = [&](int64_t size) {
    const int64_t parts = CeilDiv(k * size * int64_t{sizeof(float)}, kPackedBytes);
    return RoundUp(CeilDiv(size, parts), kMaxBlockRows);
  };
  const int64_t rows = a.transposed ? part(m) : m, columns = a.transposed ? n : part(n);
  for (int64_t row = 0; row < m; row += rows) {
    for (int64_t column = 0; column < n; column += columns) {
      std::optional<GemmTerm> term;
      if (added != nullptr)
        term = {added->k, From(row, added->a, !added->a.transposed),
                From(column, added->b, added->b.transposed)};
      Multiply(std::min(rows, m - row), std::min(columns, n - column), k, From(row, a, !a.transposed),
               From(column, b, b.transposed), out + row * out_stride + column, out_stride,
               term ? &*term : nullptr);
    }
  }
}

void Gemm(int64_t m, const GemmOperand& a, const BlockOperand& b, Floats out, int64_t out_stride,
          const GemmTerm* added) {
  int64_t rows = 0;
  for (const BlockMatrix& piece : b.pieces) {
    GEMTUNE_CHECK(piece.columns == b.pieces.front().columns);
    rows += piece.rows;
  }
  const int64_t columns = b.pieces.front().columns;
  Multiply(m, b.transposed ? rows : columns, b.transposed ? columns : rows, a, b, out, out_stride, added);
}

}  // namespace gemtune::kernels
