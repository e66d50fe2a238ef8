#include "gemtune/kernels/gemm.h"

#include <hwy/aligned_allocator.h>
#include <hwy/highway.h>

#include <algorithm>

#include "gemtune/base/parallel.h"
#include "gemtune/kernels/block_gemm.h"

namespace gemtune::kernels {
namespace {

constexpr int64_t kStripe = 3 * kPanelColumns;  // columns that an engine works on at a time
constexpr int64_t kBlockBytes = 256 << 10;      // of A's rows, which stay in the second cache
constexpr int64_t kMaxBlockRows = 12 * kPanelColumns;
constexpr int64_t kBlocksAThread = 4;  // at least, so that all end at about the same time
constexpr int64_t kBlockColumns = 8 * kStripe;

int64_t RoundUp(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// B is packed whole; A's rows are read where they lie, a block of rows and columns of the result after the
// other, each by one thread. A transposed A is packed block by block, in the form that B has: the engine then
// finds 16 rows side by side.
template <typename E>
class Product {
 public:
  Product(const GemmEngine<E>& engine, int64_t m, int64_t n, int64_t k, const GemmOperand& a,
          const GemmOperand& b, E* out, int64_t out_stride)
      : engine_(engine),
        m_(m),
        n_(n),
        k_(k),
        a_(static_cast<const E*>(a.data.data())),
        a_stride_(a.stride),
        a_transposed_(a.transposed),
        out_(out),
        out_stride_(out_stride) {
    Pack(static_cast<const E*>(b.data.data()), b.stride, b.transposed);
  }

  void Run() const {
    const int64_t fitting = kBlockBytes / (PaddedDepth(k_) * static_cast<int64_t>(sizeof(E)));
    const int64_t fair = m_ / (kBlocksAThread * NumThreads());
    const int64_t rows =
        std::clamp(std::min(fitting, fair) / kPanelColumns * kPanelColumns, kPanelColumns, kMaxBlockRows);
    // What is packed is packed once.
    const int64_t columns = a_transposed_ ? RoundUp(n_, kStripe) : kBlockColumns;
    const int64_t across = RoundUp(n_, columns) / columns;
    ParallelForEach(RoundUp(m_, rows) / rows * across, [&](int64_t i) {
      const int64_t row = i / across * rows, column = i % across * columns;
      Block(row, std::min(rows, m_ - row), column, std::min(columns, n_ - column));
    });
  }

 private:
  template <typename T>
  static hwy::AlignedFreeUniquePtr<T[]> Buffer(int64_t n) {
    return hwy::AllocateAligned<T>(static_cast<size_t>(n));
  }

  void Pack(const E* b, int64_t stride, bool transposed) {
    packed_ = Buffer<E>(PackedSize(k_, n_));
    ParallelFor(PaddedColumns(n_) / kPanelColumns, 4, [&](int64_t begin, int64_t end) {
      const int64_t column = begin * kPanelColumns;
      const int64_t columns = std::min(n_, end * kPanelColumns) - column;
      E* to = packed_.get() + begin * PanelStride(k_);
      if (transposed) {
        engine_.pack_columns(k_, columns, b + column * stride, stride, to);
      } else {
        engine_.pack_rows(k_, columns, b + column, stride, to);
      }
    });
  }

  void Block(int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    const EngineScope<E> scope(engine_);
    const int64_t padded_rows = RoundUp(rows, kPanelColumns), depth = PaddedDepth(k_);
    hwy::AlignedFreeUniquePtr<E[]> copy;
    GemmBlock<E> block{.m = padded_rows, .k = depth, .panel_stride = PanelStride(k_), .ldc = kStripe};
    block.lda = a_stride_;
    block.a = a_ + row * a_stride_;
    if (a_transposed_) {
      copy = Buffer<E>(PackedSize(k_, rows));
      engine_.pack_rows(k_, rows, a_ + row, a_stride_, copy.get());
      block.lda = kPacked<E>;
      block.a_step = kPacked<E> * kPanelColumns;
      block.m = kPanelColumns;
    } else if (padded_rows != rows || depth != k_) {
      copy = Buffer<E>(padded_rows * depth);
      std::fill_n(copy.get(), padded_rows * depth, E{});
      for (int64_t i = 0; i < rows; ++i) std::copy_n(block.a + i * a_stride_, k_, copy.get() + i * depth);
      block.lda = depth;
      block.a = copy.get();
    }
    const auto sums = Buffer<float>(padded_rows * kStripe);
    for (int64_t stripe = column; stripe < column + columns; stripe += kStripe) {
      const int64_t width = std::min(kStripe, column + columns - stripe);
      block.n = PaddedColumns(width);
      block.b = packed_.get() + stripe / kPanelColumns * PanelStride(k_);
      for (int64_t i = 0; i < padded_rows; i += block.m) {
        if (a_transposed_) block.a = copy.get() + i / kPanelColumns * PanelStride(k_);
        block.c = sums.get() + i * kStripe;
        engine_.gemm(block);
      }
      engine_.store(rows, width, sums.get(), kStripe, out_ + row * out_stride_ + stripe, out_stride_);
    }
  }

  const GemmEngine<E>& engine_;
  const int64_t m_, n_, k_;
  const E* a_;
  const int64_t a_stride_;
  const bool a_transposed_;
  E* out_;
  const int64_t out_stride_;
  hwy::AlignedFreeUniquePtr<E[]> packed_;
};

#if defined(__x86_64__)
bool IsAmdWithAvx512() {
  return __builtin_cpu_is("amd") != 0 && (hwy::SupportedTargets() & (HWY_AVX3 | HWY_AVX3_DL)) != 0;
}
#else
bool IsAmdWithAvx512() {
  return false;
}
#endif

}  // namespace

bool GemmIsFast(bool is_bf16) {
  static const bool bf16 = BFloat16Gemms().size() == 1, fp32 = IsAmdWithAvx512();
  return is_bf16 ? bf16 : fp32;
}

void Gemm(int64_t m, int64_t n, int64_t k, const GemmOperand& a, const GemmOperand& b, Floats out,
          int64_t out_stride) {
  WithTypeOf([](auto) {}, a.data, b.data, out);
  if (out.is_bf16()) {
    Product<BFloat16>(*BFloat16Gemms().back(), m, n, k, a, b, static_cast<BFloat16*>(out.data()), out_stride)
        .Run();
  } else {
    Product<float>(FloatGemm(), m, n, k, a, b, static_cast<float*>(out.data()), out_stride).Run();
  }
}

}  // namespace gemtune::kernels
