#include "gemtune/kernels/softmax_cross_entropy.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gemtune/kernels/softmax_cross_entropy.cc"
#include <hwy/foreach_target.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "gemtune/base/parallel.h"
#include "gemtune/kernels/exp-inl.h"
#include "gemtune/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemtune::kernels::HWY_NAMESPACE {

// A row's largest number and Σ exp(x − largest). A row of Gemma 3's vocabulary is half a megabyte in bf16 and
// stays in the cache from one pass over it to the next.
struct SoftmaxOfRow {
  float largest, sum;
};

template <typename T>
HWY_INLINE float Largest(int64_t columns, const T* x) {
  const Wide d;
  auto most = hn::Set(d, -std::numeric_limits<float>::infinity());
  float of_tail = -std::numeric_limits<float>::infinity();
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= columns; i += lanes) most = hn::Max(most, LoadFloat(d, x + i));
  for (; i < columns; ++i) of_tail = std::max(of_tail, hn::GetLane(LoadFloat(One(), x + i)));
  return std::max(of_tail, hn::GetLane(hn::MaxOfLanes(d, most)));
}

template <typename T>
HWY_INLINE SoftmaxOfRow Softmax(int64_t columns, const T* x) {
  const float largest = Largest(columns, x);
  const float sum = SumOf(columns, [x, largest](auto d, int64_t i) HWY_ATTR {
    // ∞ − ∞ is NaN, too; FastExp takes none.
    const auto below = hn::Sub(LoadFloat(d, x + i), hn::Set(d, largest));
    return hn::IfThenElse(hn::IsNaN(below), below, FastExp(d, below));
  });
  return {largest, sum};
}

template <typename T>
HWY_INLINE float At(const T* x, int64_t i) {
  return hn::GetLane(LoadFloat(One(), x + i));
}

template <typename T>
HWY_INLINE float LossOf(const SoftmaxOfRow& row, const T* x, int64_t target) {
  return std::log(row.sum) + (row.largest - At(x, target));
}

template <typename T>
void LossRows(int64_t rows, int64_t columns, const T* x, const int64_t* targets, float* losses,
              uint8_t* is_correct) {
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    const SoftmaxOfRow softmax = Softmax(columns, x);
    losses[row] = LossOf(softmax, x, targets[row]);
    bool is_first = At(x, targets[row]) == softmax.largest;
    for (int64_t i = 0; is_first && i < targets[row]; ++i) is_first = At(x, i) != softmax.largest;
    is_correct[row] = is_first ? 1 : 0;
  }
}

template <typename T>
void GradientRows(int64_t rows, int64_t columns, T* x, const int64_t* targets, float* losses) {
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    const SoftmaxOfRow softmax = Softmax(columns, x);
    losses[row] = LossOf(softmax, x, targets[row]);
    const float of_target = std::exp(At(x, targets[row]) - softmax.largest) / softmax.sum;
    const float scale = 1.0f / softmax.sum;
    ForEachVector(columns, [&](auto d, int64_t i) HWY_ATTR {
      const auto below = hn::Sub(LoadFloat(d, x + i), hn::Set(d, softmax.largest));
      StoreFloat(hn::Mul(FastExp(d, below), hn::Set(d, scale)), d, x + i);
    });
    StoreFloat(hn::Set(One(), of_target - 1.0f), One(), x + targets[row]);
  }
}

void SoftmaxLossRows(int64_t rows, int64_t columns, ConstFloats logits, const int64_t* targets, float* losses,
                     uint8_t* is_correct) {
  WithTypeOf(
      [&]<typename T>(T) {
        LossRows(rows, columns, static_cast<const T*>(logits.data()), targets, losses, is_correct);
      },
      logits);
}

void SoftmaxGradientRows(int64_t rows, int64_t columns, Floats logits, const int64_t* targets,
                         float* losses) {
  WithTypeOf(
      [&]<typename T>(T) { GradientRows(rows, columns, static_cast<T*>(logits.data()), targets, losses); },
      logits);
}

}  // namespace gemtune::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemtune::kernels {

HWY_EXPORT(SoftmaxLossRows);
HWY_EXPORT(SoftmaxGradientRows);

void SoftmaxLosses(int64_t rows, int64_t columns, ConstFloats logits, const int64_t* targets, float* losses,
                   uint8_t* is_correct) {
  ParallelFor(rows, GrainRows(1, columns), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(SoftmaxLossRows)
    (end - begin, columns, logits + begin * columns, targets + begin, losses + begin, is_correct + begin);
  });
}

void SoftmaxGradients(int64_t rows, int64_t columns, Floats logits, const int64_t* targets, float* losses) {
  ParallelFor(rows, GrainRows(1, columns), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(SoftmaxGradientRows)
    (end - begin, columns, logits + begin * columns, targets + begin, losses + begin);
  });
}

}  // namespace gemtune::kernels
#endif  // HWY_ONCE
